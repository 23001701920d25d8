"""The page of the playground allows the script of an explained page as it is now."""

from tools.playground import SOURCE, index


def test_policy_has_the_hashes_of_the_page() -> None:
    assert (SOURCE / "index.html").read_text(encoding="utf-8") == index()
