"""An Odoo 19: the one that ODOO_HOME names, or Debian's package unpacked below the cache."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from .apt import DEBIAN_KEYRING, PrivateApt, Source, debian_mirror, unpack
from .console import Console
from .errors import SetupError
from .paths import Layout, private_dir

# PyPI has no Odoo, but Debian's development suite has it, signed. The fonts and JavaScript that it links to are in
# separate packages. Odoo 19 draws its icons with Font Awesome 4.7, which newer suites no longer have.
SUITE = "sid"
ODOO_PACKAGE = "odoo-19"
COMPANIONS = (
    "fonts-roboto-unhinted",
    "fonts-montserrat",
    "fonts-inconsolata",
    "fonts-ocr-b",
    "libjs-jquery",
    "libjs-jquery-form",
    "libjs-underscore",
)
OLD_SUITE = "bookworm"
OLD_COMPANIONS = ("fonts-font-awesome",)
LAYOUT_VERSION = "1"
# Debian leaves out files without source code. This one blurs the background of video calls; without a file in its place,
# Odoo's whole backend bundle reports an error in the browser.
LEFT_OUT = ("odoo/addons/mail/static/lib/selfie_segmentation/selfie_segmentation.js",)


@dataclass(frozen=True)
class OdooHome:
    """An unpacked Odoo. source: folder that holds the package `odoo`. program: what starts it."""

    source: Path
    program: Path

    @property
    def addons(self) -> list[Path]:
        """Folders of the addons that come with Odoo."""
        beside = self.program.parent / "addons"
        return [path for path in (self.source / "odoo/addons", beside) if path.is_dir()]


def provide(layout: Layout, console: Console) -> OdooHome:
    """Find or fetch Odoo 19.

    :raise SetupError: ODOO_HOME holds none, or the download failed
    """
    if os.environ.get("ODOO_HOME"):
        return _given(Path(os.environ["ODOO_HOME"]).expanduser())
    home = layout.cache / "odoo-19"
    if not (home / ".complete").exists() or (home / ".complete").read_text() != LAYOUT_VERSION:
        with console.step("Fetching Odoo 19 (about 130 MB, once)") as step:
            _fetch(layout.cache / "apt-odoo", home, step)
    odoo = OdooHome(home / "usr/lib/python3/dist-packages", home / "usr/bin/odoo")
    _fill_gaps(odoo.source)
    return odoo


def _fill_gaps(source: Path) -> None:
    for name in LEFT_OUT:
        path = source / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("// Left out of Debian's package.\n", "utf-8")


def _given(home: Path) -> OdooHome:
    candidates = (
        OdooHome(home, home / "odoo-bin"),
        OdooHome(home, home / "setup/odoo"),
        OdooHome(home / "usr/lib/python3/dist-packages", home / "usr/bin/odoo"),
    )
    for odoo in candidates:
        release = odoo.source / "odoo/release.py"
        if release.exists() and odoo.program.exists():
            if "version_info = (19," not in release.read_text("utf-8"):
                raise SetupError(f"ODOO_HOME points to {home}, which is another Odoo than 19.")
            return odoo
    raise SetupError(
        f"ODOO_HOME points to {home}, but no Odoo was found there (odoo-bin beside the folder odoo)."
    )


def _fetch(apt_folder: Path, home: Path, step) -> None:
    mirror = debian_mirror()
    if not DEBIAN_KEYRING.exists():
        raise SetupError(
            f"{DEBIAN_KEYRING} is missing, so Debian's signatures cannot be checked; "
            "install the package debian-archive-keyring, or set ODOO_HOME to the folder of an Odoo 19."
        )
    sources = [Source(mirror, suite, "main", str(DEBIAN_KEYRING)) for suite in (SUITE, OLD_SUITE)]
    apt = PrivateApt(private_dir(apt_folder), sources, knows_machine=False)
    apt.update(step)
    new = [f"{name}/{SUITE}" for name in (ODOO_PACKAGE, *COMPANIONS)]
    debs = apt.download([*new, *(f"{name}/{OLD_SUITE}" for name in OLD_COMPANIONS)], step)
    building = home.with_suffix(".new")
    shutil.rmtree(building, ignore_errors=True)
    private_dir(building)
    unpack(debs, building, step)
    (building / ".complete").write_text(LAYOUT_VERSION)
    shutil.rmtree(home, ignore_errors=True)
    building.rename(home)
    shutil.rmtree(apt_folder, ignore_errors=True)
