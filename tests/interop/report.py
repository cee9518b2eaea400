"""What the scripts share: each operation is one line of `name TAB result TAB detail` for `cargo xtask interop`."""


def expect(holds, what):
    if not holds:
        raise AssertionError(f"not seen: {what}")


def operation(name, work):
    try:
        work()
        print(f"{name}\tok\t")
    except Exception as error:  # any failure is this operation's result; the next operation still runs
        print(f"{name}\tfailed\t{' '.join(str(error).split())}")


def not_offered(*names):
    for name in names:
        print(f"{name}\tnot offered\t")
