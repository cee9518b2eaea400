//! The rows of a resource: in the order of registration, without duplicates, and at most as many as the contract
//! allows.

use super::errors::Rejection;

/// A resource that can be registered.
pub(super) trait Row {
    /// The id in the path.
    fn id(&self) -> &str;

    /// Whether a contract cannot contain both.
    fn clashes_with(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

#[derive(Debug)]
pub(super) struct Store<T> {
    rows: Vec<T>,
    limit: usize,
}

impl<T: Row> Store<T> {
    pub(super) fn new(limit: usize) -> Self {
        Self { rows: Vec::new(), limit }
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// Existing rows above a new limit are kept.
    pub(super) fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    pub(super) fn rows(&self) -> &[T] {
        &self.rows
    }

    pub(super) fn get(&self, id: &str) -> Option<&T> {
        self.rows.iter().find(|row| row.id() == id)
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        self.rows.iter_mut().find(|row| row.id() == id)
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.get(id).is_some()
    }

    /// Returns a copy to change and then pass to [`replace`](Self::replace). Fails if the row does not exist.
    pub(super) fn copy(&self, id: &str) -> Result<T, Rejection>
    where
        T: Clone,
    {
        self.get(id).cloned().ok_or_else(Rejection::not_found)
    }

    pub(super) fn add(&mut self, row: T) -> Result<(), Rejection> {
        if self.rows.iter().any(|other| row.clashes_with(other)) {
            return Err(Rejection::already_registered());
        }
        if self.rows.len() >= self.limit {
            return Err(Rejection::limit_reached(self.limit));
        }
        self.rows.push(row);
        Ok(())
    }

    /// Replaces the row that has the same id.
    pub(super) fn replace(&mut self, row: T) -> Result<(), Rejection> {
        if self.rows.iter().any(|other| row.id() != other.id() && row.clashes_with(other)) {
            return Err(Rejection::already_registered());
        }
        let place = self.rows.iter_mut().find(|other| other.id() == row.id());
        *place.ok_or_else(Rejection::not_found)? = row;
        Ok(())
    }

    pub(super) fn remove(&mut self, id: &str) -> Result<T, Rejection> {
        let index = self.rows.iter().position(|row| row.id() == id).ok_or_else(Rejection::not_found)?;
        Ok(self.rows.remove(index))
    }

    pub(super) fn retain(&mut self, keep: impl FnMut(&T) -> bool) {
        self.rows.retain(keep);
    }

    pub(super) fn for_each_mut(&mut self, change: impl FnMut(&mut T)) {
        self.rows.iter_mut().for_each(change);
    }
}

/// A new id in the vendor's form: a UUID without hyphens.
pub(super) fn new_id() -> String {
    let mut bytes = [0u8; 16];
    fastrand::fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Named(&'static str, &'static str);

    impl Row for Named {
        fn id(&self) -> &str {
            self.0
        }

        fn clashes_with(&self, other: &Self) -> bool {
            self.1 == other.1
        }
    }

    #[test]
    fn a_row_that_clashes_is_neither_added_nor_put_in_place() {
        let mut store = Store::new(3);
        store.add(Named("1", "a")).unwrap();
        store.add(Named("2", "b")).unwrap();
        assert!(store.add(Named("3", "a")).is_err());
        assert!(store.replace(Named("2", "a")).is_err());
        assert!(store.replace(Named("9", "z")).is_err());
        store.replace(Named("2", "b")).unwrap();
        store.replace(Named("2", "c")).unwrap();
        assert_eq!(store.rows(), [Named("1", "a"), Named("2", "c")]);
    }

    #[test]
    fn a_full_store_takes_a_row_once_another_is_gone() {
        let mut store = Store::new(2);
        store.add(Named("1", "a")).unwrap();
        store.add(Named("2", "b")).unwrap();
        assert!(store.add(Named("3", "c")).is_err());
        assert_eq!(store.remove("1").unwrap(), Named("1", "a"));
        assert!(store.remove("1").is_err());
        store.add(Named("3", "c")).unwrap();
    }

    #[test]
    fn a_new_id_is_a_uuid_without_hyphens() {
        let id = new_id();
        assert_eq!(id.len(), 32);
        assert!(id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
        assert_ne!(id, new_id());
    }
}
