"""The pages of customer data in a real Chromium: empty, looked at, refused, filled; by keyboard, without scripts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.service import people
from engine.service.app import Countersign
from engine.service.sealing import dataset_of
from engine.warehouse.dataset import Dataset
from engine.warehouse.imports import Wanted, import_file
from engine.warehouse.shapes import shape_of
from tests.api.cases import viewer
from tests.browser.looking import sign_in, wrong_at_any_width

Windows = Callable[..., Any]
GOOD = "用户编号,手机号码,姓名,归属单位,资费套餐,月均消费,在网月数,欠费,备注\n" + "".join(
    f"C{n:06},1390013{n:04},王敏{n},440111,流量王 {n % 3},{n % 90}.50,{n % 60},false,重点\n" for n in range(120)
)
BAD = "C9,1390,李强,440111,畅享,三十八,12,true,\n,1391,赵云,440111,畅享,8,1,false,\n1.38E+10,1,x,1,1,1,1,true,\n"


def upload(page: Any, folder: Path, content: str, name: str = "客户资料 2026-11.csv") -> None:
    (folder / name).write_text(content, encoding="gb18030")
    page.goto("/admin/data")
    page.set_input_files("input[type=file]", folder / name)
    page.click("main form[enctype] button")


def filled(app: Countersign, folder: Path) -> None:
    dataset = dataset_of(app.settings)
    for kind, content in (
        ("customers", GOOD + BAD),
        ("usage", "customer,month,arpu\nC000001,2026-10,38.5\n"),
        ("customers", GOOD),
    ):
        (folder / "x.csv").write_text(content)
        key = "用户编号" if kind == "customers" else "customer"
        import_file(dataset, shape_of(folder / "x.csv"), Wanted(kind, key), by="machao")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(
    app: Countersign, window: Windows, tmp_path: Path, language: str
):
    people.set_language(app, viewer(app, "machao"), "zh" if language == "zh" else "en")
    page = window()
    sign_in(page, "machao")
    page.goto("/admin/data")
    found = wrong_at_any_width(page)
    upload(page, tmp_path, "PK")
    found += wrong_at_any_width(page)
    upload(page, tmp_path, GOOD + BAD)
    page.evaluate("document.querySelectorAll('main details').forEach(each => { each.open = true })")
    found += wrong_at_any_width(page)
    page.select_option("#kind", "contacts")
    page.click("form[method=get] button")
    page.wait_for_selector("[role=alert]")
    found += wrong_at_any_width(page)
    filled(app, tmp_path)
    page.goto("/admin/data?done=3")
    page.evaluate("document.querySelectorAll('main details').forEach(each => { each.open = true })")
    found += wrong_at_any_width(page)
    assert found == []


@pytest.mark.parametrize("scripts", [True, False])
def test_a_file_comes_in_by_keyboard_with_and_without_scripts(
    app: Countersign, window: Windows, tmp_path: Path, scripts: bool
):
    page = window(390, java_script_enabled=scripts)
    sign_in(page, "machao")
    upload(page, tmp_path, GOOD + BAD)
    page.wait_for_selector("main dl.money")
    page.focus("main form[method=post] button.main")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=status]")
    assert Dataset(app.settings.data).current().tables["customers"].rows == 120
    page.go_back()
    page.reload()
    assert page.locator("h1").inner_text() != ""  # the file is gone, and the page says so instead of taking it in again
    assert Dataset(app.settings.data).current().number == 1
