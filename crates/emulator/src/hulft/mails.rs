//! The mails that operations send: no GET shows them, so a test looks here.

use std::collections::{BTreeSet, VecDeque};
use std::time::SystemTime;

use super::errors::Failure;

/// A bound of the emulator.
const MAX_MAILS: usize = 10_000;

/// What a mail is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MailKind {
    /// It lets the user of an account set the password.
    PasswordSetUp,
    /// It tells how to use a D-Client.
    DClientUsage,
}

/// A mail that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mail {
    /// What it is about.
    pub kind: MailKind,
    /// To whom it went.
    pub address: String,
    /// When.
    pub sent_at: SystemTime,
}

#[derive(Debug, Default)]
pub(super) struct Mails {
    sent: VecDeque<Mail>,
    rejected: BTreeSet<String>,
}

impl Mails {
    /// Refuses an address that takes no mail.
    pub(super) fn send(&mut self, kind: MailKind, address: &str, now: SystemTime) -> Result<(), Failure> {
        if self.rejected.contains(address) {
            return Err(Failure::mail_refused("The mail cannot be delivered to this address."));
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
