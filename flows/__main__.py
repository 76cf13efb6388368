"""`python -m flows`: run the schedules until SIGTERM or SIGINT.

The processes of flow runs import this module again, so it imports nothing before the guard.
"""

if __name__ == "__main__":
    import gc

    gc.disable()  # what is loaded stays; looking through it for garbage takes a sixth of the time
    from flows.serve import main

    gc.enable()
    main()
