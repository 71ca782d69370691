"""Both provider servers, for a try by hand:

    python -m tests.providers --gemini 503 --groq planner --delay 0.8

prints the variables that point the service at them, and serves until Ctrl-C.
"""

import argparse
import asyncio
import json

from tests.providers.gemini import GeminiServer
from tests.providers.groq import GroqServer
from tests.providers.planner import planner
from tests.providers.script import FAULTS


def main() -> None:
    listed = "\n".join(f"  {name:<16} {meaning}" for name, meaning in FAULTS.items())
    parser = argparse.ArgumentParser(
        prog="python -m tests.providers",
        description=__doc__,
        epilog=f"faults:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for provider, port in (("gemini", 8101), ("groq", 8102)):
        parser.add_argument(f"--{provider}", default="planner", choices=["planner", *FAULTS], metavar="FAULT")
        parser.add_argument(f"--{provider}-port", type=int, default=port)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before every answer")
    parser.add_argument("--ignore-tool-choice", action="store_true", help="Groq's server does as it likes")
    asyncio.run(_serve(parser.parse_args()))


async def _serve(options: argparse.Namespace) -> None:
    gemini = GeminiServer(delay=options.delay, port=options.gemini_port)
    groq = GroqServer(delay=options.delay, port=options.groq_port, ignores_tool_choice=options.ignore_tool_choice)
    async with gemini, groq:
        for server, wish in ((gemini, options.gemini), (groq, options.groq)):
            await server.become(planner if wish == "planner" else wish)
            print(f"export {server.key_setting.upper()}={server.key}")
            print(f'#      curl -X POST {server.url}/control -d \'{{"always": "503"}}\'', flush=True)
        urls = json.dumps({"google_genai": gemini.url, "groq": groq.url})
        print(f"export MODEL_BASE_URLS='{urls}'", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    main()
