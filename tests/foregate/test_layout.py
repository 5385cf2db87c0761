"""FOREGATE_LAYOUT: what it says, and that another word is no silence."""

import click
import pytest

from foregate.layout import NAME, layout


def test_routes_are_laid_out_by_their_number_unless_it_is_said() -> None:
    assert layout({}) == "auto"
    assert layout({NAME: ""}) == "auto"
    assert layout({NAME: "pages"}) == "pages"
    assert layout({NAME: "plain"}) == "plain"


def test_another_word_is_a_mistake_that_names_those_there_are() -> None:
    with pytest.raises(click.ClickException, match="FOREGATE_LAYOUT is 'page': it is one of auto"):
        layout({NAME: "page"})
