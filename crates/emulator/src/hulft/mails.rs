//! The mails that operations send. No GET returns them, so a test inspects them here.

use std::collections::{BTreeSet, VecDeque};
use std::time::SystemTime;

use super::errors::Rejection;

/// A bound of the emulator.
const MAX_MAILS: usize = 10_000;

/// Says what a mail is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MailKind {
    /// The mail lets the user of an account set the password.
    PasswordSetUp,
    /// The mail explains how to use a D-Client.
    DClientUsage,
}

/// Describes a mail that the emulated service sent. [`Hulft::mails`](super::Hulft::mails) returns it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mail {
    /// The kind, which says what the mail is about.
    pub kind: MailKind,
    /// The address that the mail was sent to.
    pub address: String,
    /// The time at which the mail was sent, on the emulator's clock.
    pub sent_at: SystemTime,
}

#[derive(Debug, Default)]
pub(super) struct Mails {
    sent: VecDeque<Mail>,
    rejected: BTreeSet<String>,
}

impl Mails {
    /// Sends a mail, or rejects an address that accepts no mail.
    pub(super) fn send(&mut self, kind: MailKind, address: &str, now: SystemTime) -> Result<(), Rejection> {
        if self.rejected.contains(address) {
            return Err(Rejection::mail_rejected("The mail cannot be delivered to this address."));
        }
        self.sent.push_back(Mail { kind, address: address.to_owned(), sent_at: now });
        if self.sent.len() > MAX_MAILS {
            self.sent.pop_front();
        }
        Ok(())
    }

    pub(super) fn reject(&mut self, address: &str) {
        self.rejected.insert(address.to_owned());
    }

    pub(super) fn sent(&self) -> impl Iterator<Item = &Mail> {
        self.sent.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_mails_are_kept() {
        let mut mails = Mails::default();
        for number in 0..=MAX_MAILS {
            mails.send(MailKind::PasswordSetUp, &number.to_string(), SystemTime::UNIX_EPOCH).unwrap();
        }
        assert_eq!(mails.sent().count(), MAX_MAILS);
        assert_eq!(mails.sent().next().unwrap().address, "1");
    }
}
