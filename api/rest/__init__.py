"""JSON for scripts under /api/v1. What changes anything asks for a bearer token: no page elsewhere can forge that.

Reading also works in a signed-in browser, by its session cookie.
"""
