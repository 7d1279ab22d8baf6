# SPDX-License-Identifier: Apache-2.0
"""An agent of Apache Flume that runs packaging/flume/adweave.conf."""

import os
import pathlib
import subprocess

from adweave import ROOT, put_file

CONFIG = ROOT / "packaging/flume/adweave.conf"
JAVA = [f"{os.environ.get('JAVA_HOME', '/usr')}/bin/java", "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]


class Flume:
    """One process; what it keeps is in the folder and outlives it. It listens nowhere."""

    def __init__(self, folder: pathlib.Path, url: str) -> None:
        self.log, self.process = folder / "log.txt", None
        self.impressions, self.clicks, self.watched = folder / "impressions", folder / "clicks.log", folder / "watched"
        for path in (self.impressions, self.watched):
            path.mkdir(parents=True)
        self.clicks.touch()
        self.environment = {**os.environ, "ADWEAVE_URL": url, "IMPRESSIONS_FOLDER": str(self.impressions), "CLICKS_LOG": str(self.clicks),
                            "WATCHED_FOLDER": str(self.watched), "FLUME_FOLDER": str(folder / "kept")}

    def start(self) -> None:
        words = [*JAVA, "-cp", f"{ROOT}/.cache/peers/jars/flume/*", "org.apache.flume.node.Application", "--name", "adweave",
                 "--conf-file", CONFIG]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=log, env=self.environment)

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def put(self, name: str, lines: bytes) -> None:
        put_file(self.impressions / name, lines)

    def append(self, lines: bytes) -> None:
        with self.clicks.open("ab") as log:
            log.write(lines)
