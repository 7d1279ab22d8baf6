# SPDX-License-Identifier: Apache-2.0
"""Apache NiFi, put together from its archives, and a client of its REST interface."""

import json
import os
import pathlib
import subprocess
import time
import urllib.request
import uuid

import front
from adweave import ROOT

JARS = ROOT / ".cache/peers/jars/nifi"
FLOW = ROOT / "packaging/nifi/adweave.json"
WAIT_S = 180.0
JAVA = [f"{os.environ.get('JAVA_HOME', '/usr')}/bin/java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
        *(f"--add-opens=java.base/java.{name}=ALL-UNNAMED" for name in ("lang", "util", "net", "nio"))]
# What it does not begin without; paths are relative to its folder.
SETTINGS = {
    "nifi.flow.configuration.file": "./conf/flow.xml.gz",
    "nifi.flow.configuration.json.file": "./conf/flow.json.gz",
    "nifi.flowcontroller.autoResumeState": "true",
    "nifi.flowcontroller.graceful.shutdown.period": "1 sec",
    "nifi.flowservice.writedelay.interval": "100 ms",
    "nifi.authorizer.configuration.file": "./conf/authorizers.xml",
    "nifi.login.identity.provider.configuration.file": "./conf/login-identity-providers.xml",
    "nifi.templates.directory": "./conf/templates",
    "nifi.nar.library.directory": JARS,
    "nifi.nar.working.directory": "./unpacked/nar/",
    "nifi.documentation.working.directory": "./unpacked/docs",
    "nifi.web.jetty.working.directory": "./unpacked/jetty",
    "nifi.web.http.host": "127.0.0.1",
    "nifi.state.management.configuration.file": "./conf/state-management.xml",
    "nifi.state.management.provider.local": "local-provider",
    "nifi.database.directory": "./database",
    "nifi.flowfile.repository.implementation": "org.apache.nifi.controller.repository.WriteAheadFlowFileRepository",
    "nifi.flowfile.repository.directory": "./flowfiles",
    "nifi.flowfile.repository.wal.implementation": "org.apache.nifi.wali.SequentialAccessWriteAheadLog",
    "nifi.swap.manager.implementation": "org.apache.nifi.controller.FileSystemSwapManager",
    "nifi.queue.swap.threshold": "20000",
    "nifi.content.repository.implementation": "org.apache.nifi.controller.repository.FileSystemRepository",
    "nifi.content.claim.max.appendable.size": "50 KB",
    "nifi.content.repository.directory.default": "./content",
    "nifi.content.repository.archive.enabled": "false",
    "nifi.provenance.repository.implementation": "org.apache.nifi.provenance.VolatileProvenanceRepository",
    "nifi.components.status.repository.implementation": "org.apache.nifi.controller.status.history.VolatileComponentStatusRepository",
    "nifi.sensitive.props.key": "of-a-test-of-adweave",
    "nifi.sensitive.props.algorithm": "NIFI_PBKDF2_AES_GCM_256",
    "nifi.cluster.is.node": "false",
}
STATE = """<stateManagement><local-provider><id>local-provider</id>
<class>org.apache.nifi.controller.state.providers.local.WriteAheadLocalStateProvider</class>
<property name="Directory">./state</property><property name="Always Sync">true</property>
<property name="Partitions">4</property><property name="Checkpoint Interval">2 mins</property></local-provider></stateManagement>"""
LOGGING = """<configuration><appender name="c" class="ch.qos.logback.core.ConsoleAppender">
<encoder><pattern>%d{HH:mm:ss.SSS} %p %c{1}: %m%n</pattern></encoder></appender>
<root level="WARN"><appender-ref ref="c"/></root></configuration>"""


class NiFi:
    """One process; everything is in the folder, and outlives it. It listens on this machine alone."""

    def __init__(self, folder: pathlib.Path) -> None:
        (folder / "conf").mkdir(parents=True)
        self.folder, self.log, self.process = folder, folder / "log.txt", None
        self.port = front.free_port()
        settings = {**SETTINGS, "nifi.web.http.port": self.port}
        self.write("nifi.properties", "".join(f"{name}={value}\n" for name, value in settings.items()))
        self.write("state-management.xml", STATE)
        self.write("authorizers.xml", "<authorizers/>")
        self.write("login-identity-providers.xml", "<loginIdentityProviders/>")
        self.write("logback.xml", LOGGING)

    def write(self, name: str, text: str) -> None:
        (self.folder / "conf" / name).write_text(text)

    def start(self) -> None:
        """Returns when it answers."""
        words = [*JAVA, "-Djava.awt.headless=true", f"-Dnifi.properties.file.path={self.folder}/conf/nifi.properties",
                 f"-Dorg.apache.nifi.bootstrap.config.log.dir={self.folder}/logs", "-cp", f"{self.folder}/conf:{JARS}/*",
                 "org.apache.nifi.NiFi"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(words, cwd=self.folder, stdout=log, stderr=log)
        until = time.monotonic() + WAIT_S
        while True:
            try:
                self.ask("GET", "/flow/process-groups/root")
                return
            except OSError as error:
                if self.process.poll() is not None or time.monotonic() > until:
                    self.kill()
                    raise AssertionError(f"NiFi does not serve: {error}; {self.log.read_text()[-3000:]}") from error
            time.sleep(0.2)

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def ask(self, method: str, path: str, body: bytes = b"", content: str = "application/json") -> dict:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/nifi-api{path}", body or None, {"Content-Type": content}, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def import_flow(self, name: str, parameters: dict[str, object]) -> str:
        """The flow that is shipped, with these parameters, as its interface uploads it. Returns its group's id."""
        flow = json.loads(FLOW.read_text())
        context = flow["parameterContexts"].pop("AdWeave")
        for parameter in context["parameters"]:
            parameter["value"] = str(parameters.pop(parameter["name"]))
        if parameters:
            raise AssertionError(f"the flow has no parameters {list(parameters)}")
        context["name"] = flow["flowContents"]["parameterContextName"] = name
        flow["parameterContexts"][name] = context
        parts = {"groupName": name, "positionX": "0", "positionY": "0", "clientId": "test", 'file"; filename="flow.json': json.dumps(flow)}
        mark = uuid.uuid4().hex
        form = "".join(f'--{mark}\r\nContent-Disposition: form-data; name="{part}"\r\n\r\n{text}\r\n' for part, text in parts.items())
        root = self.ask("GET", "/flow/process-groups/root")["processGroupFlow"]["id"]
        return self.ask("POST", f"/process-groups/{root}/process-groups/upload", f"{form}--{mark}--\r\n".encode(),
                        f"multipart/form-data; boundary={mark}")["id"]

    def set_running(self, group: str, is_running: bool) -> None:
        """All of its processors, which must be valid first: they are told of parameters after the import."""
        until = time.monotonic() + WAIT_S
        while wrong := [f"{one['name']}: {one['validationErrors']}" for one in self.processors(group) if one["validationStatus"] != "VALID"]:
            if time.monotonic() > until:
                raise AssertionError(f"not valid: {wrong}")
            time.sleep(0.1)
        state = "RUNNING" if is_running else "STOPPED"
        self.ask("PUT", f"/flow/process-groups/{group}", json.dumps({"id": group, "state": state}).encode())

    def processors(self, group: str) -> list[dict]:
        flow = self.ask("GET", f"/flow/process-groups/{group}")["processGroupFlow"]["flow"]
        return [{"validationErrors": [], **one["component"]} for one in flow["processors"]]
