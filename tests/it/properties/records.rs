//! The record that is written directly is the record as any canonicaliser writes it.

use proptest::prelude::*;
use scopegate_core::{
    ChainHead, DecisionRecord, DenyCode, Event, Name, PermitId, ReviewId, SessionId, Timestamp,
};

fn text() -> impl Strategy<Value = Option<Name>> {
    // Every escape of JSON, characters beside them, and characters beyond 16 bits.
    let characters = prop_oneof!["[ -~]", "[\u{0}-\u{1f}]", Just("\u{7f}\u{2028}\"\\/é😀".to_owned())];
    proptest::option::of(proptest::collection::vec(characters, 0..12).prop_map(|v| v.concat().into()))
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![0..100u64, (1 << 53) - 2..(1u64 << 53) + 4, any::<u64>()]
}

fn event() -> impl Strategy<Value = Event> {
    let codes = DenyCode::ALL.iter().map(|code| Event::Deny(*code));
    let all = [Event::Permit, Event::Hold, Event::Ran, Event::Failed, Event::Dropped].into_iter();
    proptest::sample::select(all.chain(codes).collect::<Vec<_>>())
}

prop_compose! {
    fn record()(
        session in any::<u128>(), number in number(), at in 0..1u64 << 62, event in event(),
        owner in text(), tool in text(), role in text(), version in number(),
        review in proptest::option::of(any::<u128>()), digest in proptest::option::of("[0-9a-f]{64}"),
    ) -> DecisionRecord {
        let id = PermitId { session: SessionId::from_bits(session), number };
        let mut record = DecisionRecord::new(id, Timestamp::from_nanos(at), event);
        record.owner = owner;
        record.role = role.map(|role| (role, version));
        record.tool = tool;
        record.review = review.map(ReviewId::from_bits);
        record.arguments = digest.map(|hex| serde_json::from_value(hex.into()).expect("a digest"));
        record
    }
}

proptest! {
    #![proptest_config(super::cases(500))]

    // `append` writes directly; `follow` reads the line as JSON and canonicalises it with a library.
    #[test]
    fn a_chain_is_followed_as_it_was_written(
        records in proptest::collection::vec(record(), 1..4), chain in "[ -~]{0,40}",
    ) {
        let (mut writer, mut reader) = (ChainHead::new(chain.clone()), ChainHead::new(chain));
        for record in records {
            let line = serde_json::to_value(writer.append(record)).expect("a line");
            prop_assert_eq!(reader.follow(&line), Ok(()), "{}", line);
        }
        prop_assert_eq!(reader, writer);
    }
}
