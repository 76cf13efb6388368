"""JSON for scripts under /api/v1. Signed in by a bearer token, never by a cookie, so no page can forge a request."""
