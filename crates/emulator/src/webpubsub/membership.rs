//! Ties a socket to its connection. A connection ends with its socket, except that a lost connection with a reliable
//! protocol is kept for a while and may continue on another socket (client protocols, section 7).

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::connection::Identity;
use super::delivery::{Delivery, From, Payload};
use super::frame::ServerFrame;
use super::hub::{Hubs, State};
use super::member::Member;
use super::outbox::{Closing, Outbox};
use super::roles::Permission;
use super::unacknowledged::Unacknowledged;
use super::upstream::Link;

/// The service guarantees at least this long.
const RECOVERABLE: Duration = Duration::from_secs(30);

/// A socket's hold on its connection. Dropping it removes a new connection from the hub; a recovered one counts as
/// lost.
#[derive(Debug)]
pub(super) struct Membership {
    hubs: Arc<Hubs>,
    pub(super) hub: String,
    pub(super) connection: String,
    outbox: Outbox,
    pub(super) link: Arc<Link>,
    /// Whether the connection may continue without the socket.
    lost: bool,
}

impl Membership {
    /// Adds a new connection to its hub.
    pub(super) fn enter(
        hubs: &Arc<Hubs>,
        hub: &str,
        connection: String,
        member: Member,
        outbox: &Outbox,
    ) -> Self {
        let (hub_name, link) = (hub.to_owned(), Arc::clone(&member.link));
        hubs.enter(hub, &connection, member);
        Self { hubs: Arc::clone(hubs), hub: hub_name, connection, outbox: outbox.clone(), link, lost: false }
    }

    /// Gives a connection another socket. After the `connected` frame, all unacknowledged messages are redelivered.
    /// Returns `None` if there is no such connection, or if its protocol is not reliable.
    pub(super) fn recover(
        hubs: &Arc<Hubs>,
        hub: &str,
        connection: &str,
        token: &str,
        outbox: &Outbox,
    ) -> Option<(Self, Identity)> {
        let (identity, link) = hubs.change_state(|state| {
            let fits = |member: &&mut Member| member.protocol.is_reliable() && !member.is_over();
            let member = state.member(hub, connection).filter(fits)?;
            let user = member.user.as_deref();
            let frame = ServerFrame::Connected { connection, user, reconnection: Some(token) };
            outbox.push_all(member.protocol.encode(&frame));
            for (message, expires) in member.unacknowledged.iter().flat_map(Unacknowledged::messages) {
                outbox.push_until(message, expires);
            }
            member.lost_until = None;
            if let Some(old) = member.outbox.replace(outbox.clone()) {
                old.close(Closing::replaced());
            }
            let identity = Identity { user: member.user.clone(), protocol: member.protocol.clone() };
            Some((identity, Arc::clone(&member.link)))
        })?;
        let (hub, connection, outbox) = (hub.to_owned(), connection.to_owned(), outbox.clone());
        // Until the socket is open, its end is not the client's decision: the response may be lost.
        let membership = Self { hubs: Arc::clone(hubs), hub, connection, outbox, link, lost: true };
        Some((membership, identity))
    }

    pub(super) fn hubs(&self) -> &Arc<Hubs> {
        &self.hubs
    }

    /// Sends the connection the response of its event handler.
    pub(super) fn deliver(&self, payload: Payload) {
        let delivery = Delivery::new(From::Server, payload);
        self.hubs.deliver(&self.hub, &delivery, |id, _| id == self.connection);
    }

    /// Whether the connection has this permission in the group.
    pub(super) fn allows(&self, permission: Permission, group: &str) -> bool {
        let allows = |member: &mut Member| member.roles.allow(permission, group);
        self.hubs.with(&self.hub, &self.connection, allows).unwrap_or(false)
    }

    /// Releases the hold of a socket that was lost, not closed.
    pub(super) fn lose(mut self) {
        self.lost = true;
    }

    /// Ends the connection, which cannot be recovered.
    pub(super) fn end(mut self) {
        self.lost = false;
    }

    fn leave(&self, state: &mut State) {
        let Some(member) = state.member(&self.hub, &self.connection) else { return };
        if !member.outbox.as_ref().is_some_and(|outbox| outbox.is(&self.outbox)) {
            return;
        }
        let closing = self.outbox.closing();
        let for_good = closing.as_ref().is_some_and(|closing| !closing.recoverable);
        if self.lost && member.protocol.is_reliable() && !for_good {
            let until = self.hubs.clock.now() + RECOVERABLE;
            member.outbox = None;
            member.lost_until = Some(until);
            if member.link.observes_end() || member.has_last_news() {
                self.hubs.sweep_at(until);
            }
            state.lost.push_back((until, self.hub.clone(), self.connection.clone()));
        } else {
            let given = closing.as_ref().and_then(|closing| closing.reason.as_deref());
            let reason = given.unwrap_or(if self.lost { "" } else { "Normal" });
            state.remove(&self.hub, &self.connection, reason);
        }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.hubs.change_state(|state| self.leave(state));
    }
}

impl State {
    /// Removes the connections that have been without a socket for too long.
    pub(super) fn give_up(&mut self, now: SystemTime) {
        while self.lost.front().is_some_and(|(until, ..)| *until <= now) {
            let Some((until, hub, connection)) = self.lost.pop_front() else { return };
            if self.member(&hub, &connection).is_some_and(|member| member.lost_until == Some(until)) {
                self.remove(&hub, &connection, "");
            }
        }
    }
}
