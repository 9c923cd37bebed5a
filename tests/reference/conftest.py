"""A real language server, spoken to over its standard input and output."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

VERSION = "1.25.0"


class Server:
    """A session with yaml-language-server."""

    def __init__(self, program: Path, folder: Path) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            ["node", str(program), "--stdio"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
        )
        self.count = 0
        self.diagnostics: dict[str, list[dict[str, Any]]] = {}
        capabilities = {"workspace": {"configuration": True}, "textDocument": {}}
        root = folder.as_uri()
        self.ask("initialize", {"processId": None, "rootUri": root, "capabilities": capabilities})
        self.send({"method": "initialized", "params": {}})

    def send(self, message: dict[str, Any]) -> None:
        data = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(data), data))
        self.process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        length = 0
        while (line := self.process.stdout.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        assert length, "the language server ended"
        message: dict[str, Any] = json.loads(self.process.stdout.read(length))
        if "id" in message and "method" in message:
            self.answer(message)
        elif message.get("method") == "textDocument/publishDiagnostics":
            self.diagnostics[message["params"]["uri"]] = message["params"]["diagnostics"]
        return message

    def answer(self, message: dict[str, Any]) -> None:
        result: Any = None
        if message["method"] == "workspace/configuration":
            own = {"validate": True, "completion": True, "hover": True, "schemaStore": {}}
            result = [
                own if item.get("section") == "yaml" else {} for item in message["params"]["items"]
            ]
        self.send({"id": message["id"], "result": result})

    def ask(self, method: str, params: dict[str, Any]) -> Any:
        self.count += 1
        self.send({"id": self.count, "method": method, "params": params})
        while True:
            message = self.receive()
            if message.get("id") == self.count and "method" not in message:
                assert "error" not in message, message
                return message["result"]

    def open(self, name: str, text: str) -> str:
        """Write and open a file; its diagnostics are there when this returns."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        uri = path.as_uri()
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self.send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        while uri not in self.diagnostics:
            self.receive()
        return uri

    def at(self, method: str, marked: str, name: str) -> Any:
        """Ask about the place of the `|` in a text."""
        before = marked.partition("|")[0]
        uri = self.open(name, marked.replace("|", "", 1))
        position = {"line": before.count("\n"), "character": len(before.rpartition("\n")[2])}
        return self.ask(
            f"textDocument/{method}", {"textDocument": {"uri": uri}, "position": position}
        )

    def labels(self, marked: str, name: str) -> list[str]:
        """What the server offers where the `|` is."""
        return [item["label"] for item in self.at("completion", marked, name)["items"]]

    def faults(self, text: str, name: str) -> list[tuple[int, str]]:
        """The line (from 1) and message of each diagnostic."""
        uri = self.open(name, text)
        return [(d["range"]["start"]["line"] + 1, d["message"]) for d in self.diagnostics[uri]]


def installed(folder: Path) -> Path | None:
    """The server's program below a folder of npm, if it is there."""
    program = folder / "node_modules/yaml-language-server/bin/yaml-language-server"
    return program if program.is_file() else None


@pytest.fixture(scope="session")
def language_server_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The server: from $KOVER_YAML_LANGUAGE_SERVER (a folder with node_modules), else from npm."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("node and npm are not installed")
    given = os.environ.get("KOVER_YAML_LANGUAGE_SERVER")
    if given and (program := installed(Path(given))):
        return program
    folder = tmp_path_factory.mktemp("npm")
    command = ["npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund"]
    for extra in ("--offline", "--prefer-offline"):  # npm's cache, before the network
        done = subprocess.run(
            [*command, extra, f"yaml-language-server@{VERSION}"],
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        if program := installed(folder):
            return program
    pytest.skip(f"npm cannot install yaml-language-server: {done.stderr[-200:]}")


@pytest.fixture
def language_server(language_server_program: Path, tmp_path: Path) -> Iterator[Server]:
    server = Server(language_server_program, tmp_path)
    yield server
    server.process.kill()
    server.process.communicate()
