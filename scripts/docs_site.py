"""Hooks of MkDocs: pages that are made from the code and from files outside of docs/, and names of pages as links."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from agent.settings import Settings
from api.app import create_app

ROOT = Path(__file__).parent.parent
OUTSIDE = {"contributing.md": "CONTRIBUTING.md", "changelog.md": "CHANGELOG.md"}
PAGE_NAME = re.compile(r"(?<!\[)`docs/(\w+)\.md`")
API_HEAD = """# Every address

Made from the [OpenAPI document](openapi.json) of this version. A running service shows it at `/docs`, with every field
of requests and answers, and lets you try it. A key goes into `X-API-Key`; [its scopes](operations.md).
"""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    document = create_app(Settings(_env_file=None)).openapi()
    made = {name: (ROOT / source).read_text(encoding="utf-8") for name, source in OUTSIDE.items()}
    made |= {"api.md": api_page(document), "openapi.json": json.dumps(document, indent=1)}
    for name, content in made.items():
        files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Names of pages become links, and links from the root of the repository those of the site."""
    outside = page.file.src_uri in OUTSIDE
    linked = markdown.replace("](docs/", "](") if outside else markdown
    return PAGE_NAME.sub(lambda found: _link(found, files), linked)


def api_page(document: dict[str, Any]) -> str:
    """A table of addresses for each subject of the OpenAPI document."""
    subjects: dict[str, list[str]] = defaultdict(list)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            told = " ".join(operation["description"].split()).replace("|", "\\|")
            subjects[operation["tags"][0]].append(f"| `{method.upper()} {path}` | {told} |")
    return "\n".join([API_HEAD, *_tables(subjects)])


def _tables(subjects: dict[str, list[str]]) -> Iterator[str]:
    for subject, rows in subjects.items():
        yield f"\n## {subject.capitalize()}\n\n| address | what it does |\n|---|---|"
        yield from rows


def _link(found: re.Match[str], files: Files) -> str:
    name = f"{found[1]}.md"
    return f"[{name}]({name})" if files.get_file_from_path(name) else found[0]
