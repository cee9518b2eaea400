//! One page of a list: the envelope that all lists of the Site API share, around rows that each list names differently.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::read::Object;
use crate::{TimeZone, Timestamp, lenient};

/// Is implemented by the items of lists. This trait is sealed: only the models of this crate implement it.
pub trait Row: sealed::Item + Serialize + Send + Unpin {
    /// Names the member that contains the rows.
    #[doc(hidden)]
    const NAME: &'static str;

    /// Names the member that contains the number, if `limit` is an object.
    #[doc(hidden)]
    const LIMIT: Option<&'static str> = None;

    /// Calls a function for each time of the row.
    #[doc(hidden)]
    fn for_each_time(&mut self, _change: &mut dyn FnMut(&mut Timestamp)) {}
}

pub(crate) mod sealed {
    /// Is implemented by what the service returns: single items and rows.
    pub trait Item: serde::de::DeserializeOwned + 'static {
        /// The first member that every response contains and this one does not.
        fn missing(&self) -> Option<&'static str>;
    }
}

/// Represents one page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page<T> {
    /// The number of rows that match in total.
    pub total_size: u64,
    /// The number of rows that this page contains, as reported by the service.
    pub fetch_size: u64,
    /// Contains the index of the first row.
    pub start_index: u64,
    /// The maximum number of rows that the page can contain.
    pub max_results: u64,
    /// The maximum number of items that can be registered. Only some lists return it.
    pub limit: Option<u64>,
    /// Whether mail to some address has been stopped. Only the list of previous secondary accounts returns it.
    pub has_unavailable_mail: Option<bool>,
    /// The rows that the page contains.
    pub rows: Vec<T>,
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self {
            total_size: 0,
            fetch_size: 0,
            start_index: 0,
            max_results: 0,
            limit: None,
            has_unavailable_mail: None,
            rows: Vec::new(),
        }
    }
}

impl<T: Row> Page<T> {
    pub(crate) fn set_time_zone(&mut self, zone: &TimeZone) {
        for row in &mut self.rows {
            row.for_each_time(&mut |time| time.set_time_zone(zone));
        }
    }
}

#[derive(Deserialize)]
struct LenientNumber(#[serde(deserialize_with = "lenient::number")] u64);

#[derive(Deserialize)]
struct Flag(#[serde(deserialize_with = "lenient::boolean")] bool);

/// An integer in some lists, an object with one integer in another.
#[derive(Deserialize)]
#[serde(untagged)]
enum Limit {
    Plain(LenientNumber),
    Named(std::collections::HashMap<String, LenientNumber>),
    Null(()),
}

impl<'de, T: Row> Deserialize<'de> for Page<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        PageParts::deserialize(deserializer).map(|parts| parts.page)
    }
}

/// A page, and whether it contained what every page contains.
pub(crate) struct PageParts<T> {
    pub(crate) page: Page<T>,
    pub(crate) has_total: bool,
    pub(crate) has_rows: bool,
}

impl<'de, T: Row> Deserialize<'de> for PageParts<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PageVisitor(PhantomData))
    }
}

struct PageVisitor<T>(PhantomData<T>);

impl<'de, T: Row> Visitor<'de> for PageVisitor<T> {
    type Value = PageParts<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list with `{}`", T::NAME)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut parts = PageParts { page: Page::default(), has_total: false, has_rows: false };
        let page = &mut parts.page;
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "totalSize" => {
                    page.total_size = map.next_value::<LenientNumber>()?.0;
                    parts.has_total = true;
                }
                "fetchSize" => page.fetch_size = map.next_value::<LenientNumber>()?.0,
                "startIndex" => page.start_index = map.next_value::<LenientNumber>()?.0,
                "maxResults" => page.max_results = map.next_value::<LenientNumber>()?.0,
                "limit" => page.limit = limit(map.next_value()?, T::LIMIT),
                "existUnavailableMail" => page.has_unavailable_mail = Some(map.next_value::<Flag>()?.0),
                name if name == T::NAME => {
                    let rows: Option<Vec<Object<T>>> = map.next_value()?;
                    parts.has_rows = rows.is_some();
                    page.rows = rows.into_iter().flatten().map(|Object(row)| row).collect();
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(parts)
    }
}

fn limit(limit: Limit, name: Option<&str>) -> Option<u64> {
    match limit {
        Limit::Plain(number) => Some(number.0),
        Limit::Named(numbers) => numbers.get(name?).map(|number| number.0),
        Limit::Null(()) => None,
    }
}

impl<T: Row> Serialize for Page<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("totalSize", &self.total_size)?;
        map.serialize_entry("fetchSize", &self.fetch_size)?;
        map.serialize_entry("startIndex", &self.start_index)?;
        map.serialize_entry("maxResults", &self.max_results)?;
        match (self.limit, T::LIMIT) {
            (Some(limit), None) => map.serialize_entry("limit", &limit)?,
            (Some(limit), Some(name)) => {
                map.serialize_entry("limit", &std::collections::BTreeMap::from([(name, limit)]))?;
            }
            (None, _) => {}
        }
        if let Some(stopped) = self.has_unavailable_mail {
            map.serialize_entry("existUnavailableMail", &stopped)?;
        }
        map.serialize_entry(T::NAME, &self.rows)?;
        map.end()
    }
}

/// Declares which members every response with this item contains.
macro_rules! item {
    ($model:ty, required { $($field:ident: $member:literal),* }) => {
        impl $crate::page::sealed::Item for $model {
            fn missing(&self) -> Option<&'static str> {
                $(if self.$field.as_str().is_empty() {
                    return Some($member);
                })*
                None
            }
        }
    };
}

/// Makes a model the row of a list with this member name.
macro_rules! row {
    (
        $model:ty, $name:literal, required { $($required:tt)* }
        $(, limit $limit:literal)? $(, times $($time:ident)+)?
    ) => {
        $crate::page::item!($model, required { $($required)* });

        impl $crate::Row for $model {
            const NAME: &'static str = $name;
            $(const LIMIT: Option<&'static str> = Some($limit);)?

            $(fn for_each_time(&mut self, change: &mut dyn FnMut(&mut $crate::Timestamp)) {
                $(change(&mut self.$time);)+
            })?
        }
    };
}

pub(crate) use {item, row};
