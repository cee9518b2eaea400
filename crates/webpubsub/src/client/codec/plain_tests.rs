//! The one-pass reader compared with serde_json, over frames in their usual form and over all kinds of deviations from it.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::{json, plain};
use crate::client::data::Data;
use crate::client::frame::{Downstream, Upstream};

/// A member as JSON text.
type Member = (String, String);

const NAMES: [&str; 16] = [
    "type",
    "from",
    "group",
    "fromUserId",
    "dataType",
    "data",
    "sequenceId",
    "ackId",
    "success",
    "event",
    "stream",
    "error",
    "future",
    "ty\\u0070e",
    "Type",
    "",
];

const VALUES: [&str; 48] = [
    r#""message""#,
    r#""ack""#,
    r#""pong""#,
    r#""group""#,
    r#""server""#,
    r#""text""#,
    r#""json""#,
    r#""binary""#,
    r#""AAEC""#,
    r#""""#,
    r#""\n""#,
    r#""\ud83d\ude00""#,
    r#""\ud83d""#,
    r#""\x""#,
    r#"" \""#,
    "\"\u{1}\"",
    "\"\n\"",
    "\"\u{7f}\u{80}\u{2028}é😀\"",
    r#""unclosed"#,
    r#"'single'"#,
    "0",
    "-0",
    "00",
    "01",
    "7",
    "7.0",
    "7e2",
    "-7",
    "+7",
    "9007199254740992",
    "18446744073709551615",
    "18446744073709551616",
    "99999999999999999999999999",
    "true",
    "false",
    "null",
    "tru",
    "truee",
    "{}",
    "[]",
    r#"{"a":[1,"}",{"b":null}]}"#,
    r#"["\"]",[[]]]"#,
    r#"{"a":1"#,
    r#"{"a":}"#,
    "[1,]",
    "[\"\u{2}\"]",
    "[01]",
    "",
];

/// A JSON string in which a character of interest is at any place of a block.
fn long_string() -> impl Strategy<Value = String> {
    let marks = ["", "\\\"", "\\\\", "\\u0041", "\u{0}", "\u{1f}", "\u{7f}", "é", "😀", "\"", "\\"];
    (0usize..70, select(marks.to_vec()), 0usize..70)
        .prop_map(|(before, mark, after)| format!("\"{}{mark}{}\"", "a".repeat(before), "b".repeat(after)))
}

fn json_value() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => select(&VALUES[..]).prop_map(str::to_owned),
        1 => any::<u64>().prop_map(|number| number.to_string()),
        2 => any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
        2 => long_string(),
    ]
}

fn member() -> impl Strategy<Value = Member> {
    (select(&NAMES[..]), json_value()).prop_map(|(name, value)| (name.to_owned(), value))
}

fn plain_text() -> impl Strategy<Value = String> {
    "[^\"\\\\\\x00-\\x1f]{0,80}".prop_map(|text| format!("\"{text}\""))
}

/// The members of a frame in its usual form, in any order.
fn usual() -> impl Strategy<Value = Vec<Member>> {
    let data = prop_oneof![
        plain_text().prop_map(|text| ("\"text\"", text)),
        select(&["{}", "[[1.5e3],\"x\"]", r#"{"a":[1,"}",{"b":null}]}"#][..])
            .prop_map(|json| ("\"json\"", json.to_owned())),
    ];
    let number = || any::<u64>().prop_map(|number| number.to_string());
    let message = (proptest::option::of(number()), plain_text(), proptest::option::of(plain_text()), data)
        .prop_map(|(sequence_id, group, user, (data_type, data))| {
            let from = if user.is_none() { "\"server\"" } else { "\"group\"" };
            let mut members =
                vec![("type", "\"message\"".to_owned()), ("from", from.to_owned()), ("group", group)];
            members.extend(user.map(|user| ("fromUserId", user)));
            members.extend(sequence_id.map(|id| ("sequenceId", id)));
            members.extend([("dataType", data_type.to_owned()), ("data", data)]);
            members
        });
    let ack = number()
        .prop_map(|id| vec![("type", "\"ack\"".to_owned()), ("ackId", id), ("success", "true".to_owned())]);
    prop_oneof![4 => message, 1 => ack]
        .prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
        .prop_flat_map(|members: Vec<Member>| Just(members).prop_shuffle())
}

/// One deviation from a usual frame.
#[derive(Debug, Clone)]
enum Change {
    Insert(Index, Member),
    Replace(Index, String),
    Remove(Index),
    Repeat(Index),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (any::<Index>(), member()).prop_map(|(at, member)| Change::Insert(at, member)),
        (any::<Index>(), json_value()).prop_map(|(at, value)| Change::Replace(at, value)),
        any::<Index>().prop_map(Change::Remove),
        any::<Index>().prop_map(Change::Repeat),
    ]
}

fn apply(change: Change, members: &mut Vec<Member>) {
    let count = members.len();
    match change {
        Change::Insert(at, member) => members.insert(at.index(count + 1), member),
        Change::Replace(at, value) if count > 0 => members[at.index(count)].1 = value,
        Change::Remove(at) if count > 0 => drop(members.remove(at.index(count))),
        Change::Repeat(at) if count > 0 => members.push(members[at.index(count)].clone()),
        _ => {}
    }
}

/// An edit of the text itself: characters removed at a place, and others inserted there.
type Edit = (Index, usize, &'static str);

fn edit() -> impl Strategy<Value = Edit> {
    let texts = [
        "", " ", "\t", "\n", "\u{feff}", ",", ":", "\"", "\\", "{", "}", "[", "]", "0", "e", "-", "\u{0}",
        "é", "//",
    ];
    (any::<Index>(), 0usize..3, select(texts.to_vec()))
}

fn edited(text: &str, (at, removed, inserted): Edit) -> String {
    let chars: Vec<_> = text.chars().collect();
    let at = at.index(chars.len() + 1);
    let rest = chars.iter().skip(at.saturating_add(removed));
    chars[..at].iter().copied().chain(inserted.chars()).chain(rest.copied()).collect()
}

fn text_of(members: &[Member]) -> String {
    let members: Vec<_> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

/// Checks that both readers agree.
fn agree(text: &str) -> Result<(), TestCaseError> {
    let expected = json::decode_any(text);
    if let Some(frame) = plain::decode(text) {
        prop_assert_eq!(&frame, &expected, "{}", text);
    }
    prop_assert_eq!(
        json::decode(text),
        json::decode_any(text.strip_prefix('\u{feff}').unwrap_or(text)),
        "{}",
        text
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn usual_frames_are_read_in_one_pass_as_by_serde_json(members in usual()) {
        let text = text_of(&members);
        prop_assert!(plain::decode(&text).is_some(), "{}", text);
        prop_assert!(!matches!(json::decode(&text), Downstream::Skipped { .. }), "{}", text);
        agree(&text)?;
    }

    #[test]
    fn changed_frames_are_read_as_by_serde_json(
        members in usual(), changes in proptest::collection::vec(change(), 0..4),
        edits in proptest::collection::vec(edit(), 0..3),
    ) {
        let mut members = members;
        changes.into_iter().for_each(|change| apply(change, &mut members));
        let text = edits.into_iter().fold(text_of(&members), |text, change| edited(&text, change));
        agree(&text)?;
    }

    #[test]
    fn random_members_and_random_text_are_read_as_by_serde_json(
        members in proptest::collection::vec(member(), 0..9), text in any::<String>(),
    ) {
        agree(&text_of(&members))?;
        agree(&text)?;
    }
}

/// Each byte that ends a string, at each place of several blocks.
#[test]
fn control_characters_in_strings_are_rejected_wherever_they_are() {
    for byte in (0..0x20u8).chain([b'"', b'\\']) {
        for at in 0..100 {
            let text = format!("{}{}{}", "x".repeat(at), char::from(byte), "x".repeat(100 - at));
            let frame = format!(
                r#"{{"type":"message","from":"server","dataType":"text","data":"{text}","sequenceId":7}}"#
            );
            assert!(matches!(json::decode(&frame), Downstream::Skipped { sequence_id: None, .. }), "{frame}");
        }
    }
}

#[test]
fn a_byte_order_mark_before_a_frame_is_skipped_once() {
    for frame in [r#"{"type":"pong"}"#, r#"{"type":"ack","ackId":1,"success":true}"#] {
        assert_eq!(json::decode(&format!("\u{feff}{frame}")), json::decode(frame));
        assert!(!matches!(json::decode(frame), Downstream::Skipped { .. }));
        let twice = json::decode(&format!("\u{feff}\u{feff}{frame}"));
        assert!(matches!(twice, Downstream::Skipped { .. }));
    }
}

#[test]
fn every_character_of_sent_text_is_escaped_as_needed() {
    for at in [0, 31, 32, 33, 70] {
        for character in (0..=0x7f_u8).map(char::from).chain(['\u{80}', 'é', '\u{2028}', '\u{feff}', '😀'])
        {
            let text = format!("{}{character}{character}{}", "x".repeat(at), "y".repeat(40));
            let data = Data::from(text.as_str());
            let frame =
                json::encode(&Upstream::Event { name: "e", ack_id: None, data: &data, metadata: None });
            let read: serde_json::Value = serde_json::from_str(&frame).unwrap();
            assert_eq!(read["data"], text.as_str());
        }
    }
}
