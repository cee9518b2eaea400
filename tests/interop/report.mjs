// What the scripts share: each operation is one line of `name TAB result TAB detail` for `cargo xtask interop`.

export function expect(holds, what) {
  if (!holds) throw new Error(`not seen: ${what}`);
}

export async function operation(name, work) {
  try {
    await work();
    console.log(`${name}\tok\t`);
  } catch (error) {
    console.log(`${name}\tfailed\t${String(error.message ?? error).replace(/\s+/g, " ")}`);
  }
}

export function notOffered(...names) {
  for (const name of names) console.log(`${name}\tnot offered\t`);
}
