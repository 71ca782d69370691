"""`restock sign-in`: a link for the desk, with the rights of a key."""

from collections.abc import Callable

from typer.testing import Result

KEY = "a-configured-key-of-32-characters"


def test_the_link_is_for_the_configured_key_at_the_service_s_address(run: Callable[..., Result]) -> None:
    made = run("sign-in", API_KEY=KEY, PUBLIC_URL="https://stock.example/")

    assert made.exit_code == 0
    assert made.stdout.startswith("https://stock.example/desk/sign-in?link=")
    assert KEY not in made.stdout


def test_without_a_key_it_says_how_one_is_made(run: Callable[..., Result]) -> None:
    refused = run("sign-in")

    assert refused.exit_code == 1
    assert "`restock serve` makes one" in refused.stderr


def test_a_key_can_be_named_and_a_wrong_name_is_told(run: Callable[..., Result]) -> None:
    run("keys", "create", "anna", "--scope", "read")

    made, wrong, none_may_do_all = run("sign-in", "--key", "anna"), run("sign-in", "--key", "ana"), run("sign-in")

    assert (made.exit_code, wrong.exit_code, none_may_do_all.exit_code) == (0, 1, 1)
    assert "no valid key 'ana'" in wrong.stderr
