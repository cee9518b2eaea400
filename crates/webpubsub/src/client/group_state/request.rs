//! The requests that set a state and that follow the states of a group.

use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use service_core::{CallFuture, Result};

use super::{Buffer, GroupStates};
use crate::client::entries::Entries;
use crate::client::frame::{Upstream, preview};
use crate::client::send::{self, Options};
use crate::client::session::{Effect, OwnState};
use crate::client::{Client, Group};
use crate::names;

/// A request that sets or clears the state of this connection in a group when awaited.
///
/// Created by [`Group::set_state`] and [`Group::clear_state`]. Dropping the future before the frame is written cancels the
/// request.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
///
/// # async fn run(client: webpubsub::Client) -> webpubsub::Result<()> {
/// client.group("lobby").set_state([("status", "away")]).deadline(Duration::from_secs(5)).await?;
/// # Ok(()) }
/// ```
#[must_use = "does nothing until awaited"]
#[derive(Debug)]
pub struct SetState {
    client: Client,
    group: String,
    /// `None` clears the state.
    state: Option<Entries>,
    options: Options,
}

impl SetState {
    pub(in crate::client) fn new(client: Client, group: String, state: Option<Entries>) -> Self {
        Self { client, group, state, options: Options::default() }
    }

    /// Sets the timeout of the request, which starts when it is first polled. Default: the client's
    /// [`ack_timeout`](crate::client::ClientBuilder::ack_timeout).
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.options.deadline = Some(limit);
        self
    }
}

impl IntoFuture for SetState {
    type Output = Result<()>;
    type IntoFuture = CallFuture<()>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Self { client, group, state, options } = self;
            names::group(&group)?;
            let own = OwnState { group: group.clone(), state: state.clone() };
            let frame = |ack_id| {
                let state = state.as_ref();
                Upstream::Preview(preview::Upstream::SetGroupState { group: &group, ack_id, state })
            };
            let effect = Effect::SetState(Box::new(own));
            let outcome = send::submit(&client, "setGroupState", options, effect, frame)?;
            outcome.get(&client).await.map(drop)
        })
    }
}

/// A request that follows the states of a group when awaited.
///
/// Created by [`Group::states`]. Dropping the future is the same as dropping the view.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
///
/// # async fn run(client: webpubsub::Client) -> webpubsub::Result<()> {
/// let mut states = client.group("lobby").states().deadline(Duration::from_secs(5)).await?;
/// println!("{:?}", states.next().await);
/// # Ok(()) }
/// ```
#[must_use = "does nothing until awaited"]
#[derive(Debug)]
pub struct FollowStates {
    client: Client,
    group: String,
    options: Options,
}

impl FollowStates {
    pub(in crate::client) fn new(client: Client, group: String) -> Self {
        Self { client, group, options: Options::default() }
    }

    /// Sets the timeout of the request, which starts when it is first polled. Default: the client's
    /// [`ack_timeout`](crate::client::ClientBuilder::ack_timeout).
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.options.deadline = Some(limit);
        self
    }
}

impl IntoFuture for FollowStates {
    type Output = Result<GroupStates>;
    type IntoFuture = CallFuture<GroupStates>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Self { client, group, options } = self;
            names::group(&group)?;
            let buffer = Arc::new(Buffer::default());
            let effect = Effect::FollowStates(group.clone(), Arc::clone(&buffer));
            let frame =
                |ack_id| Upstream::Preview(preview::Upstream::SubscribeGroupState { group: &group, ack_id });
            send::submit(&client, "subscribeGroupState", options, effect, frame)?.get(&client).await?;
            Ok(GroupStates::new(buffer, client))
        })
    }
}

impl Group {
    /// Sets the state of this connection in the group, which replaces its earlier state as a whole. An empty state is a state.
    ///
    /// Every connection that follows the [`states`](Self::states) of the group receives it, this one included. The connection
    /// must be a member of the group. The service clears the state when the connection leaves the group or ends. If it ends
    /// without being [closed](Client::close), the client sets the last acknowledged state again on its new connection, unless
    /// [`rejoin_groups`](crate::client::ClientBuilder::rejoin_groups) is off. If that fails,
    /// [`Event::StateNotRestored`](crate::client::Event::StateNotRestored) reports it.
    ///
    /// Group states are a preview feature of the service.
    ///
    /// # Errors
    ///
    /// Returns an error if:
    ///
    /// * the name of the group is invalid,
    /// * the service rejects the request: [`ErrorKind::Service`](crate::ErrorKind::Service), with the code `Forbidden` if the
    ///   connection is not a member of the group or its access token does not grant the role
    ///   [`set_group_state`](crate::Role::set_group_state), and `BadRequest` if the state is too large,
    /// * the connection is lost and cannot be recovered: [`outcome_unknown`](crate::Error::outcome_unknown) then returns `true`,
    /// * the service does not acknowledge the request within [`ack_timeout`](crate::client::ClientBuilder::ack_timeout), or
    /// * the client is closed.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn run(client: webpubsub::Client) -> webpubsub::Result<()> {
    /// let lobby = client.group("lobby");
    /// lobby.join().await?;
    /// lobby.set_state([("status", "typing"), ("device", "phone")]).await?;
    /// # Ok(()) }
    /// ```
    pub fn set_state<K: Into<String>, V: Into<String>>(
        &self,
        state: impl IntoIterator<Item = (K, V)>,
    ) -> SetState {
        let entries = state.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        SetState::new(self.client().clone(), self.name().to_owned(), Some(Entries(entries)))
    }

    /// Clears the state of this connection in the group. If there is none, the request succeeds.
    ///
    /// Group states are a preview feature of the service.
    ///
    /// # Errors
    ///
    /// Returns an error under the same conditions as [`set_state`](Self::set_state).
    pub fn clear_state(&self) -> SetState {
        SetState::new(self.client().clone(), self.name().to_owned(), None)
    }

    /// Follows the states that the members of the group set: returns a view that receives a snapshot and then each change.
    ///
    /// The connection must be a member of the group: [`join`](Self::join) it before. The view follows the states on a new
    /// connection too, unless [`rejoin_groups`](crate::client::ClientBuilder::rejoin_groups) is off.
    ///
    /// Group states are a preview feature of the service.
    ///
    /// # Errors
    ///
    /// Returns an error under the same conditions as [`set_state`](Self::set_state). The code is `Forbidden` if the connection
    /// is not a member of the group or its access token does not grant the role
    /// [`get_group_state`](crate::Role::get_group_state).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use webpubsub::client::GroupStateEvent;
    ///
    /// # async fn run(client: webpubsub::Client) -> webpubsub::Result<()> {
    /// let lobby = client.group("lobby");
    /// lobby.join().await?;
    /// let mut states = lobby.states().await?;
    /// if let Some(GroupStateEvent::Snapshot(snapshot)) = states.next().await {
    ///     println!("{} connections have a state", snapshot.members.len());
    /// }
    /// # Ok(()) }
    /// ```
    pub fn states(&self) -> FollowStates {
        FollowStates::new(self.client().clone(), self.name().to_owned())
    }
}
