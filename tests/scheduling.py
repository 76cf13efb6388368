"""Which tests run first: long ones, so that no worker waits for the last test of another."""

LONG_FIRST = (
    "tests/acceptance/test_demo.py",
    "tests/browser/test_browser_journeys.py",
    "tests/warehouse/test_warehouse_spark.py",
    "tests/flows/test_flows_tree.py",
    "tests/browser/test_browser_tutorial.py",
    "tests/acceptance/test_tutorial.py",
    "tests/conformance/test_error_seeding.py",
    "tests/acceptance/test_migrating.py",
    "tests/browser/",
)


def rank(nodeid: str) -> int:
    """The place of a test's file in the order."""
    return next((n for n, start in enumerate(LONG_FIRST) if nodeid.startswith(start)), len(LONG_FIRST))
