//! Microsoft Entra ID in place of keys: `--entra` selects a credential of the crate `azure_identity`. The identity service is
//! reached with the same settings as the services.

use std::sync::Arc;
use std::time::Duration;

use azure_core::credentials::{Secret, TokenCredential as AzureTokenCredential};
use azure_core::http::{ClientOptions, RetryOptions, Transport};
use azure_identity::{
    ClientAssertionCredentialOptions, ClientSecretCredential, ClientSecretCredentialOptions,
    DeveloperToolsCredential, ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId,
    WorkloadIdentityCredential, WorkloadIdentityCredentialOptions,
};
use clap::ValueEnum;
use service_core::{AzureCredential, TokenCredential};

use crate::failure::{Failure, Result};
use crate::settings::{self, Settings};

const TENANT: &str = "AZURE_TENANT_ID";
const CLIENT: &str = "AZURE_CLIENT_ID";
const SECRET: &str = "AZURE_CLIENT_SECRET";
/// Kubernetes sets it for workload identities.
const TOKEN_FILE: &str = "AZURE_FEDERATED_TOKEN_FILE";
/// App Service and Functions set it for managed identities.
const IDENTITY_ENDPOINT: &str = "IDENTITY_ENDPOINT";
const TIMEOUT: Duration = Duration::from_secs(30);

/// The identities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Identity {
    /// The first of the others for which a variable is set; otherwise, developer tools.
    Auto,
    /// A service principal: AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET.
    ClientSecret,
    /// A workload of Kubernetes: AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_FEDERATED_TOKEN_FILE.
    #[value(name = "workload-identity")]
    Workload,
    /// The identity of an Azure resource. AZURE_CLIENT_ID selects a user-assigned one.
    #[value(name = "managed-identity")]
    Managed,
    /// The account of `az login` or `azd auth login`.
    DeveloperTools,
}

/// Returns the credential that the command line selects, or `None` if keys are used.
pub(crate) fn credential() -> Result<Option<Arc<dyn TokenCredential>>> {
    let settings = settings::get();
    let Some(identity) = settings.entra else { return Ok(None) };
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let credential = create(identity.resolve(|name| std::env::var_os(name).is_some()), variable, settings)?;
    Ok(Some(Arc::new(AzureCredential::new(credential))))
}

impl Identity {
    /// Selects an identity by the variables that are set. An empty one is set too: what it selects then fails, instead of another
    /// identity being used.
    fn resolve(self, is_set: impl Fn(&str) -> bool) -> Self {
        let by_variable =
            [(SECRET, Self::ClientSecret), (TOKEN_FILE, Self::Workload), (IDENTITY_ENDPOINT, Self::Managed)];
        match self {
            Self::Auto => by_variable
                .into_iter()
                .find(|(name, _)| is_set(name))
                .map_or(Self::DeveloperTools, |(_, identity)| identity),
            selected => selected,
        }
    }
}

fn create(
    identity: Identity,
    variable: impl Fn(&str) -> Option<String>,
    settings: &Settings,
) -> Result<Arc<dyn AzureTokenCredential>> {
    let require = |name: &str| {
        variable(name)
            .ok_or_else(|| Failure::Usage(format!("environment variable {name} is missing or empty")))
    };
    let created: azure_core::Result<Arc<dyn AzureTokenCredential>> = match identity {
        Identity::ClientSecret => {
            let options =
                ClientSecretCredentialOptions { client_options: client_options(settings, Place::Network)? };
            let (tenant, client, secret) =
                (require(TENANT)?, require(CLIENT)?, Secret::new(require(SECRET)?));
            ClientSecretCredential::new(&tenant, client, secret, Some(options))
                .map(|credential| credential as _)
        }
        Identity::Workload => {
            let options = WorkloadIdentityCredentialOptions {
                credential_options: ClientAssertionCredentialOptions {
                    client_options: client_options(settings, Place::Network)?,
                },
                client_id: Some(require(CLIENT)?),
                tenant_id: Some(require(TENANT)?),
                token_file_path: Some(require(TOKEN_FILE)?.into()),
            };
            WorkloadIdentityCredential::new(Some(options)).map(|credential| credential as _)
        }
        Identity::Managed => {
            let options = ManagedIdentityCredentialOptions {
                user_assigned_id: variable(CLIENT).map(UserAssignedId::ClientId),
                client_options: client_options(settings, Place::ThisMachine)?,
            };
            ManagedIdentityCredential::new(Some(options)).map(|credential| credential as _)
        }
        Identity::Auto | Identity::DeveloperTools => {
            DeveloperToolsCredential::new(None).map(|credential| credential as _)
        }
    };
    created
        .map_err(|error| Failure::Usage(format!("the credential for Microsoft Entra ID is invalid: {error}")))
}

/// Where tokens come from.
#[derive(Clone, Copy)]
enum Place {
    /// The platform below this machine. A proxy would receive the secret and the token, and might respond with its own identity.
    ThisMachine,
    Network,
}

/// Returns the settings of requests to the identity service.
fn client_options(settings: &Settings, place: Place) -> Result<ClientOptions> {
    // A redirect would carry the secret elsewhere.
    let client = settings.http_client(TIMEOUT)?.redirect(reqwest::redirect::Policy::none());
    let client = match place {
        Place::ThisMachine => client.no_proxy(),
        Place::Network => client,
    };
    let client = client.build().map_err(|error| {
        Failure::Usage(format!("the connection to Microsoft Entra ID cannot be configured: {error}"))
    })?;
    let retry = if settings.no_retry { RetryOptions::none() } else { RetryOptions::default() };
    Ok(ClientOptions { transport: Some(Transport::new(Arc::new(client))), retry, ..ClientOptions::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variables_select_the_identity_unless_the_command_line_does() {
        let resolved = |identity: Identity, set: &[&str]| identity.resolve(|name| set.contains(&name));
        assert_eq!(resolved(Identity::Auto, &[]), Identity::DeveloperTools);
        assert_eq!(resolved(Identity::Auto, &[CLIENT, TENANT]), Identity::DeveloperTools);
        assert_eq!(resolved(Identity::Auto, &[IDENTITY_ENDPOINT]), Identity::Managed);
        assert_eq!(resolved(Identity::Auto, &[TOKEN_FILE, IDENTITY_ENDPOINT]), Identity::Workload);
        assert_eq!(resolved(Identity::Auto, &[SECRET, TOKEN_FILE]), Identity::ClientSecret);
        assert_eq!(resolved(Identity::DeveloperTools, &[SECRET]), Identity::DeveloperTools);
    }

    #[test]
    fn a_missing_variable_is_named() {
        let created = create(
            Identity::ClientSecret,
            |name| (name != CLIENT).then(|| "x".to_owned()),
            &Settings::default(),
        );
        let failure = created.err().unwrap();
        assert_eq!(failure.message().unwrap(), "environment variable AZURE_CLIENT_ID is missing or empty");
    }
}
