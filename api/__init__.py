"""Pages and REST: a request in, one service function, a page or JSON out.

FastAPI lives here and nowhere else. Nothing here decides: what may be seen or done is the service's answer.
"""
