//! The environment variables that configure a client. Errors name the variable and never contain its value, since a key is
//! easily put into the wrong one.

use std::ffi::OsString;
use std::fmt;

use crate::{Endpoint, Error, Result, Secret};

/// Reads the environment variables that configure a client.
///
/// A variable that is empty or consists of white space only counts as missing.
///
/// # Examples
///
/// ```
/// use service_core::{Endpoint, Environment};
///
/// let environment = Environment::new(|name| (name == "ROOMS_ENDPOINT").then(|| "rooms.example".into()));
/// let endpoint = environment.require("ROOMS_ENDPOINT")?;
/// let error = endpoint.read(|text| Endpoint::parse(text.expose())).unwrap_err();
/// assert_eq!(error.to_string(), "ROOMS_ENDPOINT: endpoint has no scheme: write `https://<host>`");
///
/// let error = environment.require("ROOMS_KEY").unwrap_err();
/// assert_eq!(error.to_string(), "environment variable ROOMS_KEY is missing or empty");
/// # Ok::<(), service_core::Error>(())
/// ```
pub struct Environment {
    lookup: Box<Lookup>,
}

type Lookup = dyn Fn(&str) -> Option<OsString> + Send + Sync;

impl Environment {
    /// Creates an environment that reads the variables of this process.
    #[must_use]
    pub fn process() -> Self {
        Self::new(|name| std::env::var_os(name))
    }

    /// Creates an environment that gets its variables from a function, for example in tests.
    pub fn new(lookup: impl Fn(&str) -> Option<OsString> + Send + Sync + 'static) -> Self {
        Self { lookup: Box::new(lookup) }
    }

    /// Returns a variable, or `None` if it is missing or empty.
    ///
    /// # Errors
    ///
    /// Returns an error if the value is not valid Unicode.
    pub fn get(&self, name: &'static str) -> Result<Option<Variable>> {
        let Some(value) = (self.lookup)(name) else { return Ok(None) };
        let text = value.into_string().map_err(|_| invalid(name, "is not valid Unicode"))?;
        let variable = Variable { name, value: Secret::new(text) };
        Ok(Some(variable).filter(|variable| !variable.value.expose().trim().is_empty()))
    }

    /// Returns a variable that the client requires.
    ///
    /// # Errors
    ///
    /// Returns an error if the variable is missing or empty, or if its value is not valid Unicode.
    pub fn require(&self, name: &'static str) -> Result<Variable> {
        self.get(name)?.ok_or_else(|| invalid(name, "is missing or empty"))
    }

    /// Returns the only one of two variables that is set. They hold different credentials, and neither takes precedence.
    ///
    /// # Errors
    ///
    /// Returns an error that names both if both are set or both are missing, and an error if a value is not valid Unicode.
    pub fn require_one_of(&self, first: &'static str, second: &'static str) -> Result<Variable> {
        match (self.get(first)?, self.get(second)?) {
            (Some(_), Some(_)) => Err(invalid(first, &format!("and {second} are both set: remove one"))),
            (Some(only), None) | (None, Some(only)) => Ok(only),
            (None, None) => Err(invalid(first, &format!("is missing or empty, and so is {second}: set one"))),
        }
    }

    /// Returns whether the variable `name` allows plain `http` to another machine, and checks that `endpoint`, which was read
    /// from `source`, is allowed.
    ///
    /// # Errors
    ///
    /// Returns an error if the variable is set to anything but `1`, or if the endpoint would need it.
    pub fn allows_insecure_http(
        &self,
        name: &'static str,
        endpoint: &Endpoint,
        source: &Variable,
    ) -> Result<bool> {
        let set = self.get(name)?;
        if set.as_ref().is_some_and(|variable| variable.value.expose().trim() != "1") {
            return Err(invalid(name, "must be `1` or not set"));
        }
        if set.is_none() && !endpoint.is_https() && !endpoint.is_loopback() {
            let rule = format!(
                "must use `https`, since every request carries the credential; set {name}=1 to allow plain http to another machine"
            );
            return source.read(|_| Err(Error::invalid_input("endpoint", &rule, None)));
        }
        Ok(set.is_some())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").finish_non_exhaustive()
    }
}

fn invalid(name: &str, rule: &str) -> Error {
    Error::invalid_input(&format!("environment variable {name}"), rule, None)
}

/// An environment variable that is set. `Debug` does not show its value.
#[derive(Debug, Clone)]
pub struct Variable {
    name: &'static str,
    value: Secret,
}

impl Variable {
    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the value.
    #[must_use]
    pub fn value(&self) -> &Secret {
        &self.value
    }

    /// Reads the value with a function whose error then names the variable.
    ///
    /// # Errors
    ///
    /// Returns the error of the function. It begins with the name of the variable and does not repeat the value.
    pub fn read<T>(&self, read: impl FnOnce(&Secret) -> Result<T>) -> Result<T> {
        read(&self.value).map_err(|error| error.with_variable(self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ConnectionString, HeaderKey};

    fn environment(variables: &'static [(&'static str, &'static str)]) -> Environment {
        Environment::new(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
        })
    }

    #[test]
    fn an_empty_variable_counts_as_missing() {
        let environment = environment(&[("EMPTY", ""), ("BLANK", " \r\n"), ("SET", "planted\n")]);
        for name in ["EMPTY", "BLANK", "MISSING"] {
            assert!(environment.get(name).unwrap().is_none());
            let error = environment.require(name).unwrap_err();
            assert!(error.is_invalid_input());
            assert_eq!(error.to_string(), format!("environment variable {name} is missing or empty"));
        }
        let set = environment.require("SET").unwrap();
        assert_eq!((set.name(), set.value().expose()), ("SET", "planted\n"));
        assert!(!format!("{set:?} {environment:?}").contains("planted"));
    }

    #[test]
    fn a_malformed_value_is_rejected_with_the_name_of_the_variable_and_without_the_value() {
        type Read = fn(&Secret) -> Result<()>;
        let endpoint: Read = |text| Endpoint::parse(text.expose()).map(drop);
        let key: Read = |text| HeaderKey::authorization("Bearer", text).map(drop);
        let connection_string: Read = |text| ConnectionString::parse(text.expose()).map(drop);
        for (value, read, named) in [
            ("planted", endpoint, "no scheme"),
            ("\"https://planted.example\"", endpoint, "quotation marks"),
            ("https://planted.example/path", endpoint, "no path"),
            ("\u{feff}planted", key, "byte order mark"),
            ("API_KEY=planted", key, "`NAME=`"),
            ("plan\u{7}ted", key, "HTTP headers"),
            ("'Endpoint=https://planted.example;AccessKey=planted'", connection_string, "quotation marks"),
            ("planted", connection_string, "part 1 has no `=`"),
        ] {
            let variable = Environment::new(move |_| Some(value.into())).require("ROOMS_VALUE").unwrap();
            let error = variable.read(read).unwrap_err();
            let text = error.to_string();
            assert!(error.is_invalid_input() && text.starts_with("ROOMS_VALUE: "), "{text}");
            assert!(text.contains(named) && !text.contains('\n'), "{text}");
            assert!(!format!("{error} {error:?}").contains("planted"), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_not_unicode_is_an_error() {
        use std::os::unix::ffi::OsStringExt;
        let environment = Environment::new(|_| Some(OsString::from_vec(b"planted\xff".to_vec())));
        let error = environment.get("ROOMS_KEY").unwrap_err();
        assert_eq!(error.to_string(), "environment variable ROOMS_KEY is not valid Unicode");
    }

    #[test]
    fn of_two_credentials_neither_takes_precedence() {
        let read = |variables| environment(variables).require_one_of("ROOMS_KEY", "ROOMS_TOKEN");
        assert_eq!(read(&[("ROOMS_KEY", "k"), ("ROOMS_TOKEN", "")]).unwrap().name(), "ROOMS_KEY");
        assert_eq!(read(&[("ROOMS_TOKEN", "t")]).unwrap().name(), "ROOMS_TOKEN");
        for variables in [&[("ROOMS_KEY", "planted"), ("ROOMS_TOKEN", "planted")][..], &[]] {
            let error = read(variables).unwrap_err().to_string();
            assert!(error.contains("ROOMS_KEY") && error.contains("ROOMS_TOKEN"), "{error}");
            assert!(!error.contains("planted"), "{error}");
        }
    }

    #[test]
    fn plain_http_to_another_machine_needs_the_variable() {
        let allowed = |value: &'static str, endpoint: &'static str| {
            let environment = Environment::new(move |name| {
                Some(if name == "ROOMS_ENDPOINT" { endpoint.into() } else { value.into() })
            });
            let source = environment.require("ROOMS_ENDPOINT")?;
            let endpoint = source.read(|text| Endpoint::parse(text.expose()))?;
            environment.allows_insecure_http("ROOMS_ALLOW_INSECURE_HTTP", &endpoint, &source)
        };
        assert!(allowed("1", "http://emulator:8080").unwrap());
        assert!(!allowed("", "http://127.0.0.1:8080").unwrap());
        assert!(!allowed("", "https://rooms.example").unwrap());
        let error = allowed("", "http://emulator:8080").unwrap_err().to_string();
        assert!(error.starts_with("ROOMS_ENDPOINT: "), "{error}");
        assert!(error.contains("set ROOMS_ALLOW_INSECURE_HTTP=1"), "{error}");
        for value in ["0", "true", "planted"] {
            let error = allowed(value, "https://rooms.example").unwrap_err().to_string();
            assert_eq!(error, "environment variable ROOMS_ALLOW_INSECURE_HTTP must be `1` or not set");
        }
    }
}
