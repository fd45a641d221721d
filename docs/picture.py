"""docs/report.png from the page of a finished run: its first screen beside its attributions.

`python docs/picture.py reports/multi-eye/index.html`; needs chromium and playwright. Few colours keep it small.
"""

import io
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

WIDTH_PX, TALLEST_PX, GAP_PX, COLOURS = 1280, 1100, 40, 224
PICTURE = Path(__file__).parent / "report.png"


def main(report: Path, picture: Path = PICTURE) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH_PX, "height": 900}, color_scheme="light")
        page.goto(report.resolve().as_uri())
        parts = [_shot(page, ".column", 40), _shot(page, "section[aria-labelledby=attribution]", 0)]
        browser.close()
    height = min(TALLEST_PX, max(one.height for one in parts))
    whole = Image.new("RGB", (sum(one.width for one in parts) + GAP_PX, height), "white")
    whole.paste(parts[0], (0, 0))
    whole.paste(parts[1], (parts[0].width + GAP_PX, 0))
    whole.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(picture, optimize=True)


def _shot(page: Page, selector: str, above_px: int) -> Image.Image:
    """The upper part of what the selector finds, without the first px."""
    box = page.locator(selector).first.bounding_box()
    assert box, f"{selector} is not on this page"
    clip = {"x": box["x"], "y": box["y"] + above_px, "width": box["width"], "height": min(box["height"], TALLEST_PX)}
    return Image.open(io.BytesIO(page.screenshot(full_page=True, clip=clip))).convert("RGB")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(Path, sys.argv[2:3]))
