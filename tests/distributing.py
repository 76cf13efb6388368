"""Which tests stay in the same worker."""

from xdist.scheduler.loadscope import LoadScopeScheduling

TOGETHER = ("tests/browser/", "tests/warehouse/test_warehouse_spark")


class Distributing(LoadScopeScheduling):
    """Each test goes to a worker by itself; a file of the browser goes as one, as its tests share a Chromium and look
    at each kind of page once, and so do the tests on Spark, which share its machine.
    The marks of `--dist loadgroup` do not reach xdist 3.8 with pytest 9.2."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("::")[0] if nodeid.startswith(TOGETHER) else nodeid
