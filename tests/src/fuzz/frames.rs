//! WebSocket frames as bytes (RFC 6455, section 5.2), written and read without a library: neither end under test checks the other
//! with its own code.

pub(super) const TEXT: u8 = 1;
pub(super) const BINARY: u8 = 2;
pub(super) const CLOSE: u8 = 8;
pub(super) const PING: u8 = 9;
pub(super) const PONG: u8 = 10;

/// A complete frame, masked if a client sends it.
pub(super) fn frame(kind: u8, payload: &[u8], is_masked: bool) -> Vec<u8> {
    let mask = if is_masked { 0x80 } else { 0 };
    let mut frame = vec![0x80 | kind];
    match payload.len() {
        length @ ..126 => frame.push(mask | length as u8),
        length if let Ok(length) = u16::try_from(length) => {
            frame.push(mask | 126);
            frame.extend(length.to_be_bytes());
        }
        length => {
            frame.push(mask | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    if is_masked {
        // A mask of zeros changes nothing.
        frame.extend([0; 4]);
    }
    frame.extend(payload);
    frame
}

/// Takes the first frame of what an end wrote: its kind and its payload. `None` if it is not complete yet.
pub(super) fn take(written: &mut Vec<u8>, is_masked: bool) -> Option<(u8, Vec<u8>)> {
    let [first, second, rest @ ..] = written.as_slice() else { return None };
    assert_eq!(first & 0xf0, 0x80, "a frame is complete and has no extension");
    assert_eq!(second & 0x80 != 0, is_masked, "a client masks its frames, and a server does not");
    let (length, rest) = match second & 0x7f {
        126 => (u64::from(u16::from_be_bytes(*rest.first_chunk()?)), &rest[2..]),
        127 => (u64::from_be_bytes(*rest.first_chunk()?), &rest[8..]),
        length => (u64::from(length), rest),
    };
    let (mask, rest) = if is_masked { (*rest.first_chunk::<4>()?, &rest[4..]) } else { ([0; 4], rest) };
    let payload = rest.get(..usize::try_from(length).unwrap())?;
    let payload: Vec<u8> = payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
    let kind = first & 0x0f;
    assert!([TEXT, BINARY, CLOSE, PING, PONG].contains(&kind), "an unknown kind of frame: {kind}");
    assert!(kind < CLOSE || payload.len() < 126, "a control frame is short");
    *written = written.split_off(written.len() - (rest.len() - payload.len()));
    Some((kind, payload))
}
