"""`python -m flows`: run the schedules until SIGTERM or SIGINT.

The processes of flow runs import this module again, so it imports nothing before the guard.
"""

if __name__ == "__main__":
    from flows.serve import main

    main()
