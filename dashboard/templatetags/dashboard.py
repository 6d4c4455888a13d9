"""Small things that templates need: icons, instants, pills, inert text."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from .. import inert, words

register = template.Library()

# What a person sees for each outcome: (colour, icon, word). Never the colour alone.
PILLS = {
    "succeeded": ("ok", "check", "Succeeded"),
    "failed": ("bad", "x", "Failed"),
    "refused": ("info", "shield", "Refused"),
    "scheduled": ("quiet", "clock", "Scheduled"),
    "waiting": ("quiet", "clock", "Waiting"),
    "retrying": ("warn", "retry", "Retrying"),
    "done": ("ok", "check", "Done"),
    "gave up": ("bad", "x", "Gave up"),
    "cancelled": ("quiet", "minus", "Cancelled"),
    "not arrived": ("bad", "question", "Not arrived"),
    "unknown": ("info", "question", "Unknown"),
    "": ("bad", "x", "Not created"),
    "reading": ("quiet", "clock", "Being read"),
    "ready": ("info", "list", "Checked, not sent"),
    "sending": ("info", "send", "Sending"),
    "idle": ("warn", "pause", "Waiting for you"),
    "stopped": ("warn", "pause", "Stopped"),
    "finished": ("ok", "check", "Finished"),
    "finished, not all": ("warn", "x", "Finished, not all sent"),
    "RUNNING": ("ok", "play", "Running"),
    "PAUSED": ("warn", "pause", "Paused"),
    "DISABLED": ("bad", "x", "Disabled"),
    "on": ("warn", "play", "On"),
    "off": ("quiet", "pause", "Off"),
    "used up": ("quiet", "minus", "Used up"),
    "over": ("quiet", "clock", "Over"),
}


@register.simple_tag
def icon(name: str) -> SafeString:
    """Draw a symbol of `_icons.html`; decoration only, a word stands beside it."""
    return format_html('<svg class="icon" aria-hidden="true"><use href="#i-{}"/></svg>', name)


@register.simple_tag
def pill(outcome: str) -> SafeString:
    """Show an outcome or a queue's state as icon and word."""
    css, symbol, word = PILLS.get(outcome, ("quiet", "question", outcome))
    return format_html('<span class="pill pill-{}">{}{}</span>', css, icon(symbol), word)


SIGNS = {"ok": "check", "warn": "question", "bad": "x", "info": "shield", "quiet": "minus"}


@register.simple_tag
def status_pill(colour: str, word: str) -> SafeString:
    """Show a word in an outcome's colour, with that colour's own sign."""
    return format_html('<span class="pill pill-{}">{}{}</span>', colour, icon(SIGNS[colour]), word)


@register.simple_tag
def instant(moment: datetime | None, form: str = "short") -> SafeString | str:
    """Show an instant: UTC here, turned into the reader's zone by app.js."""
    if moment is None:
        return ""
    utc = moment.astimezone(UTC)
    forms = {"long": "%Y-%m-%d %H:%M:%S UTC", "minute": "%H:%M"}
    text = utc.strftime(forms.get(form, "%H:%M:%S"))
    iso = utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return format_html(
        '<time datetime="{}" data-form="{}" title="{}">{}</time>', iso, form, iso, text
    )


@register.simple_tag
def countdown(moment: datetime | None, ahead: timedelta | None = None) -> SafeString | str:
    """Say how long it is until an instant, counted on by tasks.js; `ahead` is the other's clock."""
    if moment is None:
        return ""
    real = moment - (ahead or timedelta(0))
    left = max((real - timezone.now()).total_seconds(), 0)
    # To the minute, so that a part of a page is the same until something has happened.
    text = f"in {words.duration(max(60, round(left / 60) * 60))}" if left > 60 else "soon"
    return format_html('<span data-until="{}">{}</span>', real.isoformat(), text)


@register.filter
def visible(text: Any) -> str:
    """Show hidden and reordering characters of received text; escaping follows as always."""
    return inert.visible(str(text))


@register.filter
def thousands(number: int) -> str:
    """Show a large number so that it can be read."""
    return f"{number:,}"


@register.filter
def duration(seconds: float | None) -> str:
    return "" if seconds is None else words.duration(seconds)


@register.filter
def grouped(number: int) -> str:
    """Show a whole number with its thousands apart."""
    return f"{number:,}"


@register.filter
def took(seconds: float | None) -> str:
    return "" if seconds is None else words.took(seconds)
