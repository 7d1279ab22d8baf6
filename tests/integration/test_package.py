# SPDX-License-Identifier: Apache-2.0
"""The Debian package: what is in it, that its program runs from where it is unpacked, and that the service's unit is sound."""

import concurrent.futures
import hashlib
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import unittest

import adweave
import adweave_server

BUILD = pathlib.Path(adweave.PROGRAM).resolve().parents[1]
EXPOSURE_MAX = 16  # of systemd-analyze, in tenths: 100 is a service without any restriction


def output_of(*words: object, env: dict[str, str] | None = None) -> str:
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, check=False, env=env, cwd=adweave.ROOT)
    if done.returncode != 0:
        raise AssertionError(f"{words}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def pack(out: pathlib.Path) -> pathlib.Path:
    return pathlib.Path(output_of("packaging/deb.sh", BUILD, out).strip())


class PackageTest(adweave_server.ServerTest):
    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        out = pathlib.Path(folder.name)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            cls.package, cls.again = pool.map(pack, (out / "one", out / "two"))
        cls.root = out / "root"
        output_of("dpkg-deb", "-x", cls.package, cls.root)
        cls.program = cls.root / "usr/bin/adweave"
        cls.unit = cls.root / "usr/lib/systemd/system/adweave.service"
        cls.shipped = cls.root / "etc/adweave/adweave.yaml"

    def setUp(self) -> None:
        super().setUp()
        self.config = self.shipped
        self.env = {name: value for name, value in os.environ.items() if name != "LD_LIBRARY_PATH"}

    def test_the_same_build_gives_the_same_bytes(self) -> None:
        self.assertEqual(*(hashlib.sha256(path.read_bytes()).hexdigest() for path in (self.package, self.again)))

    def test_what_it_says_of_itself(self) -> None:
        version = (adweave.ROOT / "VERSION").read_text().strip()
        self.assertRegex(self.package.name, rf"^adweave_{re.escape(version)}_\w+\.deb$")
        depends = output_of("dpkg-deb", "--field", self.package, "Depends").split(", ")
        names = {package.split()[0] for package in depends}
        self.assertLessEqual({"adduser", "tzdata", "libc6", "libstdc++6", "libssl3", "librdkafka1"}, names)
        self.assertIn("libc6 (>= 2.", " ".join(depends))
        control = self.folder / "control"
        output_of("dpkg-deb", "-e", self.package, control)
        self.assertEqual((control / "conffiles").read_text(), "/etc/adweave/adweave.yaml\n")
        for script in ("postinst", "prerm", "postrm"):
            output_of("sh", "-n", control / script)
        listed = output_of("dpkg-deb", "--contents", self.package)
        self.assertEqual([line for line in listed.splitlines() if " root/root " not in line], [])

    def test_its_program_runs_where_it_is(self) -> None:
        libraries = output_of("ldd", self.program, env=self.env)
        for name in ("libarrow", "libparquet", "libduckdb"):
            self.assertRegex(libraries, rf"{name}\S* => {re.escape(str(self.root))}/usr/")
        self.assertNotIn(str(adweave.ROOT), libraries)
        self.assertNotIn(".debug_info", output_of("readelf", "--sections", "--wide", self.program))
        version = (adweave.ROOT / "VERSION").read_text().strip()
        self.assertIn(f"adweave {version} ", output_of(self.program, "version", env=self.env))
        self.assertIn("valid", output_of(self.program, "validate", "-c", self.shipped, env=self.env))

    def test_it_takes_an_event_and_tells_the_service_manager(self) -> None:
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(manager.close)
        manager.settimeout(60)
        manager.bind(str(self.folder / "notify"))
        self.start(self.program, NOTIFY_SOCKET=str(self.folder / "notify"))
        self.assertEqual(manager.recv(64), b"READY=1")
        event = b'{"id": "a", "timestamp": "2026-01-02T03:04:05Z", "user_id": "u", "creative_id": "c"}\n'
        status, value, _ = self.ask("POST", "/v1/events?wait=committed", event, Content_Type="application/x-ndjson")
        self.assertEqual((status, value["accepted"]), (200, 1), value)
        self.assertEqual(self.stop(), 0)
        self.assertEqual(manager.recv(64), b"STOPPING=1")
        self.assertEqual(self.sql("SELECT count(*) AS n FROM impressions"), [{"n": 1}])

    def test_licences_come_with_it(self) -> None:
        doc = self.root / "usr/share/doc/adweave"
        for name in ("LICENSE", "THIRD_PARTY.md", "copyright", "third_party/arrow/NOTICE.txt", "third_party/duckdb/LICENSE"):
            self.assertGreater((doc / name).stat().st_size, 100, name)

    def test_the_unit(self) -> None:
        unit = self.unit.read_text()
        self.assertIn("Type=notify\n", unit)
        [command] = re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)
        program, *_, config, _, data = command.split()
        self.assertTrue((self.root / program[1:]).exists() and (self.root / config[1:]).exists())
        self.assertIn(f"StateDirectory={pathlib.Path(data).name}\n", unit)
        if not shutil.which("systemd-analyze"):
            return
        here = self.write("adweave.service", unit.replace(program, str(self.program)))
        output_of("systemd-analyze", "verify", "--man=no", here)
        output_of("systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE_MAX}", here)


if __name__ == "__main__":
    unittest.main()
