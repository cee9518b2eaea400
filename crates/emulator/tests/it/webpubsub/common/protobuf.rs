//! Clients of the protobuf subprotocols, whose frames are written byte by byte.

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use service_emulator::Emulator;
use tokio_tungstenite::tungstenite::Message;

use super::clients::{KEY, Socket, client_claims, jwt, open};

pub(crate) const PROTOBUF: &str = "protobuf.webpubsub.azure.v1";
pub(crate) const RELIABLE: &str = "protobuf.reliable.webpubsub.azure.v1";

/// A field of wire type 0.
pub(crate) fn number(field: u8, mut value: u64) -> Vec<u8> {
    let mut bytes = vec![field << 3];
    while value > 127 {
        bytes.push(value as u8 | 128);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// A field of wire type 2: a string, bytes, or a message.
pub(crate) fn field(number_: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut bytes = number(number_, content.len() as u64);
    bytes[0] |= 2;
    [bytes, content].concat()
}

/// The bytes of a text in hex.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

pub(crate) async fn connect(emulator: &Emulator, claims: Value, protocol: &str, more: &str) -> Socket {
    let token = jwt(KEY, &client_claims(emulator, claims));
    open(emulator, &format!("/client/hubs/chat?access_token={token}{more}"), Some(protocol)).await.unwrap()
}

pub(crate) async fn receive(socket: &mut Socket) -> Vec<u8> {
    match socket.next().await.unwrap().unwrap() {
        Message::Binary(bytes) => bytes.to_vec(),
        other => panic!("no binary frame: {other:?}"),
    }
}

pub(crate) async fn write(socket: &mut Socket, frame: Vec<u8>) {
    socket.send(Message::binary(frame)).await.unwrap();
}
