"""What the scripts share. They print lines for `cargo xtask interop`, whose parts are separated by tabs:

documented PACKAGE VERSION HEADING              a section of the package's README with code
result PACKAGE VERSION SCENARIO RESULT DETAIL   the result is passed, failed, or left out
"""

import io
import logging
import re
from importlib import metadata

current = ()


def show(*parts):
    print("\t".join(" ".join(str(part).split()) for part in parts), flush=True)


def documented(readme):
    """The headings of a README whose own text contains code in Python."""
    found, heading, in_code = {}, "", False
    for line in readme.splitlines():
        if fence := re.match(r"\s*```(\S*)", line):
            in_code = not in_code
            if in_code and fence.group(1).lower() == "python":
                found[heading.replace("`", "")] = None
        elif not in_code and (title := re.match(r"#{1,6} +(.*\S)", line)):
            heading = title.group(1)
    return found


def sdk(name):
    """The scenarios that follow are those of this installed package."""
    global current
    described = metadata.metadata(name)
    current = (name, described["Version"])
    # Behind the README, the description contains the changes.
    readme = re.split(r"(?m)^# (?:Release History|Changelog)", described.get_payload(), flags=re.IGNORECASE)[0]
    for heading in documented(readme):
        show("documented", *current, heading)


def expect(holds, what):
    if not holds:
        raise AssertionError(f"not seen: {what}")


def scenario(names, work):
    """Runs a scenario, whose names are operations, samples, or `README: HEADING`."""
    try:
        work()
        result, detail = "passed", ""
    except Exception as error:  # any failure is this scenario's result; the next one still runs
        result, detail = "failed", f"{type(error).__name__}: {error}"
    for name in [names] if isinstance(names, str) else names:
        show("result", *current, name, result, detail)


def left_out(reason, *names):
    for name in names:
        show("result", *current, name, "left out", reason)


def logged(name, secret, work):
    """What "Logging" shows: a logger that writes each request of `work`, and which must not reveal the secret, if any."""

    def run():
        logger, lines = logging.getLogger(name), io.StringIO()
        handler, level = logging.StreamHandler(stream=lines), logger.level
        logger.setLevel(logging.DEBUG)
        logger.addHandler(handler)
        try:
            work()
        finally:
            logger.removeHandler(handler)
            logger.setLevel(level)
        expect("Request method" in lines.getvalue(), "a request in the log")
        expect(secret is None or secret not in lines.getvalue(), "a log without the secret")

    return run
