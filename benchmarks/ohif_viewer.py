"""OHIF, as its makers publish it, over the portal's DICOMweb in headless Chromium: study list, then images of a pair.

    npm pack @ohif/app@3.13.2 && tar xzf ohif-app-3.13.2.tgz
    python -m benchmarks.ohif_viewer --viewer package/dist [--picture FOLDER]

The viewer is served at an address of its own, as a hospital would, with the portal's address in its configuration and
the person's token in the Authorization header. Printed is what the viewer asked for, and what it was answered.
"""

import argparse
import os
import shutil
import tempfile
import threading
from collections import Counter
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page, Response, sync_playwright

from benchmarks.portal_process import Portal, free_port

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
PATIENCE_MS = 240_000
# One drawing by the processor, since no graphics card is at hand.
DRAWING = [
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]
PAIR = """
import tempfile
from pathlib import Path
from rest_framework.authtoken.models import Token
from studyportal.core.models import User
from studyportal.sites.rules import SITE_ROLES
from tests.portal import scenes
scenes.open_study()
folder = scenes.write_small_phantom(3, Path(tempfile.mkdtemp()) / "phantom")
pair = scenes.ready_pair(folder)
person = User.objects.get(username="coordinator-SPH")
print(pair.participant.code, Token.objects.create(user=person).key,
      pair.series.get(role="source", status="accepted").study.study_uid)
"""  # fmt: skip
CONFIGURATION = """
window.config = {{
  routerBasename: null, extensions: [], modes: [], customizationService: {{}}, showStudyList: true,
  maxNumberOfWebWorkers: 1, showLoadingIndicator: true, strictZSpacingForVolumeViewport: true,
  investigationalUseDialog: {{ option: 'never' }}, defaultDataSourceName: 'portal',
  dataSources: [{{
    namespace: '@ohif/extension-default.dataSourcesModule.dicomweb', sourceName: 'portal',
    configuration: {{
      friendlyName: 'portal', name: 'portal', qidoRoot: '{root}', wadoRoot: '{root}', wadoUriRoot: '{root}',
      qidoSupportsIncludeField: true, imageRendering: 'wadors', thumbnailRendering: 'wadors',
      enableStudyLazyLoad: true, supportsFuzzyMatching: false, supportsWildcard: true,
      omitQuotationForMultipartRequest: true,
    }},
  }}],
}};
"""


class _Viewer(SimpleHTTPRequestHandler):
    """The viewer's files; every address that is no file is its page."""

    def send_head(self):
        if not Path(self.translate_path(self.path)).is_file():
            self.path = "/index.html"
        return super().send_head()

    def end_headers(self) -> None:
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        super().end_headers()

    def log_message(self, *_: object) -> None:
        pass


def served(folder: Path, *, portal: str, place: Path, port: int) -> ThreadingHTTPServer:
    """The viewer answers at the port, told where the portal is."""
    shutil.copytree(folder, place)
    (place / "app-config.js").write_text(CONFIGURATION.format(root=f"{portal}/dicomweb"))
    server = ThreadingHTTPServer(("127.0.0.1", port), partial(_Viewer, directory=str(place)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def watched(page: Page) -> Counter[str]:
    """Requests to DICOMweb by kind and answer."""
    seen: Counter[str] = Counter()

    def note(answer: Response) -> None:
        path = urlsplit(answer.url).path
        if "/dicomweb/" in path:
            kind = "frames" if "/frames/" in path else path.rstrip("/").rsplit("/", 1)[-1]
            kind = kind if kind[0].isalpha() else "one object"
            seen[f"{answer.request.method} {kind}: {answer.status}"] += 1

    page.on("response", note)
    return seen


def drawn(page: Page) -> int:
    """How many grey levels the largest canvas of the page shows; one or two mean that nothing is drawn."""
    return int(
        page.evaluate("""() => {
      const all = [...document.querySelectorAll('canvas')];
      const big = all.sort((a, b) => b.width * b.height - a.width * a.height)[0];
      if (!big) return 0;
      const copy = document.createElement('canvas'); copy.width = big.width; copy.height = big.height;
      const pen = copy.getContext('2d'); pen.drawImage(big, 0, 0);
      const all_ = pen.getImageData(0, 0, big.width, big.height).data;
      return new Set(all_.filter((_, at) => at % 4 === 0)).size; }""")
    )


def look(page: Page, viewer: str, code: str, study: str, *, pictures: Path | None) -> None:
    seen = watched(page)
    page.on("console", lambda said: said.type == "error" and print("  console:", said.text[:200]))
    page.goto(viewer)
    page.get_by_text(code).first.wait_for(timeout=PATIENCE_MS)
    print(f"the study list names {code}: {dict(seen)}")
    seen.clear()
    page.goto(f"{viewer}/viewer?StudyInstanceUIDs={study}")
    page.locator("canvas").first.wait_for(timeout=PATIENCE_MS)
    for _ in range(60):
        if drawn(page) > 30:
            break
        page.wait_for_timeout(2000)
    print(f"the viewer drew a picture of {drawn(page)} grey levels: {dict(seen)}")
    if pictures:
        page.screenshot(path=pictures / "ohif.png", timeout=PATIENCE_MS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--viewer", type=Path, required=True, help="folder with OHIF's index.html")
    parser.add_argument("--picture", type=Path, help="folder for a picture of the viewer")
    asked = parser.parse_args()
    port = free_port()
    viewer = f"http://127.0.0.1:{port}"
    os.environ["STUDYPORTAL_DICOMWEB_VIEWERS"] = viewer
    scratch = Path(tempfile.mkdtemp(prefix="ohif-"))
    try:
        with Portal(scratch / "portal", people="") as portal, sync_playwright() as player:
            code, token, study = portal.shell(PAIR).splitlines()[-1].split()
            served(asked.viewer, portal=portal.address, place=scratch / "ohif", port=port)
            browser = player.chromium.launch(executable_path=CHROMIUM, args=DRAWING)
            headers = {"Authorization": f"Token {token}"}
            page = browser.new_page(
                extra_http_headers=headers, viewport={"width": 1366, "height": 768}
            )
            page.set_default_timeout(PATIENCE_MS)
            look(page, viewer, code, study, pictures=asked.picture)
            browser.close()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
