//! A core's connections, by token. While the requests of one are executed it is *away*: taken out, so that the core can attend to the others in
//! the midst of a script. Its token stays its own. Each stands in a box, since it goes away and comes back with every read.

use super::super::connection::Connection;
use slab::Slab;
use std::ops::{Index, IndexMut};

/// Why a connection is there.
const NOT_AWAY: &str = "a connection is away only while its own requests are executed";

/// See the module's description.
#[derive(Default)]
pub(super) struct Connections(Slab<Option<Box<Connection>>>);

impl Connections {
    /// Adds the connection that `make` makes for the token it will have.
    pub fn add<E>(
        &mut self,
        make: impl FnOnce(usize) -> Result<Connection, E>,
    ) -> Result<usize, E> {
        let entry = self.0.vacant_entry();
        let token = entry.key();
        entry.insert(Some(Box::new(make(token)?)));
        Ok(token)
    }

    /// Takes a connection out for good.
    pub fn remove(&mut self, token: usize) -> Box<Connection> {
        self.0.remove(token).expect(NOT_AWAY)
    }

    /// Takes a connection out for a while.
    pub fn take(&mut self, token: usize) -> Box<Connection> {
        self.0[token].take().expect(NOT_AWAY)
    }

    /// Puts a connection back that was taken out.
    pub fn put(&mut self, token: usize, connection: Box<Connection>) {
        self.0[token] = Some(connection);
    }

    /// True while the connection is taken out.
    pub fn is_away(&self, token: usize) -> bool {
        self.0.get(token).is_some_and(Option::is_none)
    }

    /// True if there is a connection of this token, and it is not away.
    pub fn contains(&self, token: usize) -> bool {
        self.get(token).is_some()
    }

    /// The connection of this token, unless it is away.
    pub fn get(&self, token: usize) -> Option<&Connection> {
        self.0.get(token)?.as_deref()
    }

    /// The same, to change.
    pub fn get_mut(&mut self, token: usize) -> Option<&mut Connection> {
        self.0.get_mut(token)?.as_deref_mut()
    }

    /// All that are not away.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &Connection)> {
        let all = self.0.iter();
        all.filter_map(|(token, seat)| Some((token, seat.as_deref()?)))
    }

    /// The same, to change.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (usize, &mut Connection)> {
        let all = self.0.iter_mut();
        all.filter_map(|(token, seat)| Some((token, seat.as_deref_mut()?)))
    }
}

impl Index<usize> for Connections {
    type Output = Connection;

    fn index(&self, token: usize) -> &Connection {
        self.0[token].as_deref().expect(NOT_AWAY)
    }
}

impl IndexMut<usize> for Connections {
    fn index_mut(&mut self, token: usize) -> &mut Connection {
        self.0[token].as_deref_mut().expect(NOT_AWAY)
    }
}
