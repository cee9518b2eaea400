//! A service that violates the WebSocket protocol.

use super::*;

#[tokio::test]
async fn a_protocol_violation_closes_the_connection_with_the_code_for_it() {
    let too_large = [&[0x81, 127][..], &(17_u64 << 20).to_be_bytes()].concat();
    for (bytes, code, violation) in [
        (&[0xc1, 1, b'x'][..], 1002, "an RSV bit"),
        (&[0x83, 1, b'x'], 1002, "an opcode that is reserved"),
        (&[0x81, 0x81, 0, 0, 0, 0, b'x'], 1002, "a masked frame"),
        (&[0x09, 0], 1002, "a control frame in fragments"),
        (&[0x80, 1, b'x'], 1002, "a continuation of nothing"),
        (&[0x81, 2, 0xc3, 0x28], 1007, "a text that is not UTF-8"),
        (&too_large, 1009, "a frame of 17 MiB"),
    ] {
        let bed = TestBed::new();
        let (client, mut peer) = bed.connect(bed.builder()).await;
        peer.raw(bytes).await;
        assert_eq!(peer.ending().await, Some(code), "{violation}");
        drop(client);
    }
}
