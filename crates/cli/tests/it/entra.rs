//! `--entra`: Microsoft Entra ID in place of keys.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;
use service_emulator::webpubsub::EntraTokens;
use service_emulator::{Emulator, Fault};

use crate::program::{Directory, Program};
use crate::upstream::Upstream;

/// Starts an emulator, and returns a program that has its endpoints and no key.
async fn start() -> (Emulator, Program) {
    let emulator = Emulator::start().await.unwrap();
    emulator.webpubsub().set_entra_tokens(EntraTokens::Strict);
    emulator.eventgrid().declare("orders", "billing");
    let mut program = Program::new(&emulator).with("WEBPUBSUB_ENDPOINT", &emulator.endpoint());
    for name in ["WEBPUBSUB_CONNECTION_STRING", "WEBPUBSUB_ENTRA_TOKEN", "EVENTGRID_NAMESPACES_KEY"] {
        program.environment.remove(name).unwrap();
    }
    (emulator, program)
}

/// Puts an Azure CLI into the search path that prints a token for each service.
fn with_azure_cli(program: &Program, emulator: &Emulator, directory: &Directory) -> Program {
    let token = |token: String| json!({ "accessToken": token, "expires_on": 4_000_000_000_u64, "tokenType": "Bearer" });
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *https://webpubsub.azure.com/.default*) echo '{}';; *https://eventgrid.azure.net/.default*) echo '{}';; esac\n",
        token(emulator.webpubsub().entra_token()),
        token(emulator.eventgrid().bearer_token()),
    );
    let path = directory.file("az", &script);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", directory.0.display(), program.environment["PATH"]);
    program.with("PATH", &path)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_account_of_the_azure_cli_is_used_if_no_variable_selects_another_identity() {
    let (emulator, program) = start().await;
    let directory = Directory::new("az");
    let program = with_azure_cli(&program, &emulator, &directory);
    let mut listen = program.start("wps listen --entra --hub chat --group lobby --count 1");
    listen.notice("joined lobby").await;
    program.run("--entra wps send --hub chat --group lobby hello").await.is_silent();
    assert_eq!(listen.json().await["data"], "hello");
    let url = program.run("wps token --hub chat --entra=developer-tools -o table").await;
    assert!(url.out.contains("/client/hubs/chat?access_token="), "{url:?}");
    let fine = program.run("wps token explain --entra --hub chat --call -o table").await;
    assert_eq!(fine.out, "the service accepts the credential\n");

    let options = "--topic orders --type com.example.order --source /shop --entra";
    program.run_with(&format!("eg publish {options}"), "1\n").await.json();
    let received =
        program.run("eg receive --topic orders --subscription billing --entra --acknowledge").await;
    assert_eq!(received.json()[0]["event"]["data"], 1);
    let authorizations: Vec<_> = emulator
        .requests()
        .iter()
        .filter(|request| !request.target.starts_with("/client/"))
        .map(|request| request.headers["authorization"].to_str().unwrap().to_owned())
        .collect();
    assert!(authorizations.len() >= 5 && authorizations.iter().all(|value| value.starts_with("Bearer ")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_principal_gets_its_token_from_the_authority_with_its_secret() {
    let (emulator, program) = start().await;
    let directory = Directory::new("entra");
    let ca_file = directory.0.join("ca.pem");
    // Stands in for the authority, which has to speak TLS.
    let authority = Emulator::builder().tls(true).tls_ca_file(&ca_file).start().await.unwrap();
    let respond = |status, body: serde_json::Value| {
        let response = Fault::status(status).header("content-type", "application/json");
        authority.faults().push(response.body(body.to_string()).path_contains("/oauth2/v2.0/token"));
    };
    let token = emulator.webpubsub().entra_token();
    respond(200, json!({ "token_type": "Bearer", "expires_in": 3600, "access_token": token }));
    let program = program
        .with("AZURE_AUTHORITY_HOST", &authority.endpoint())
        .with("AZURE_TENANT_ID", "11111111-2222-3333-4444-555555555555")
        .with("AZURE_CLIENT_ID", "the-client")
        .with("AZURE_CLIENT_SECRET", "the+s3cret");
    let send = format!("--entra --no-retry --ca-file {} wps send --hub chat hello", ca_file.display());
    program.run(&send).await.is_silent();
    let [request] = &authority.requests()[..] else { panic!("not one request") };
    assert_eq!(request.target, "/11111111-2222-3333-4444-555555555555/oauth2/v2.0/token");
    let form = "client_id=the-client&client_secret=the%2Bs3cret&grant_type=client_credentials&scope=https%3A%2F%2Fwebpubsub.azure.com%2F.default";
    assert_eq!(request.body, form);

    let description = "AADSTS7000215: Invalid client secret provided.";
    respond(
        401,
        json!({ "error": "invalid_client", "error_description": description, "error_codes": [7_000_215] }),
    );
    let run = program.run(&format!("-vvv {send}")).await;
    assert!(run.failed(4).contains("AADSTS7000215"), "{run:?}");
    assert!(!run.err.contains("s3cret"), "{run:?}");
    // The authority's certificate is checked.
    let untrusted = program.run("--entra --no-retry wps send --hub chat hello").await;
    assert!(untrusted.failed(4).contains("certificate"), "{untrusted:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_managed_identity_of_an_app_is_used_where_the_platform_offers_one() {
    let (emulator, program) = start().await;
    let mut identity = Upstream::start().await;
    let program = program
        .with("IDENTITY_ENDPOINT", &format!("{}msi/token", identity.url()))
        .with("IDENTITY_HEADER", "the-header")
        // No proxy may see the header or the token. Nothing listens at this one.
        .with("HTTP_PROXY", "http://127.0.0.1:1")
        .with("http_proxy", "http://127.0.0.1:1");
    let health = program.start("wps --entra groups exists --hub chat lobby");
    let call = identity.call().await;
    assert!(
        call.head.starts_with("GET /msi/token?") && call.head.contains("x-identity-header: the-header"),
        "{}",
        call.head
    );
    let token = emulator.webpubsub().entra_token();
    let token =
        json!({ "access_token": token, "expires_on": "4000000000", "resource": "r", "token_type": "Bearer" });
    call.respond("content-type: application/json\r\n", &token.to_string()).await;
    let run = health.finish().await;
    assert_eq!((run.code, run.lines()), (Some(3), vec![json!({ "exists": false })]), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_variable_and_an_identity_without_a_token_are_reported() {
    let (_emulator, program) = start().await;
    let secret = program.with("AZURE_CLIENT_SECRET", "s3cret").with("AZURE_CLIENT_ID", "x");
    let run = secret.run("--entra wps send --hub chat hello").await;
    assert_eq!(run.failed(2), "hubgrid: environment variable AZURE_TENANT_ID is missing or empty");
    let empty =
        program.with("AZURE_CLIENT_SECRET", "").with("AZURE_CLIENT_ID", "x").with("AZURE_TENANT_ID", "t");
    let run = empty.run("--entra wps send --hub chat hello").await;
    assert_eq!(run.failed(2), "hubgrid: environment variable AZURE_CLIENT_SECRET is missing or empty");
    let run = secret.with("AZURE_TENANT_ID", "a/b").run("--entra wps send --hub chat hello").await;
    assert!(run.failed(2).contains("the credential for Microsoft Entra ID is invalid"), "{run:?}");
    let directory = Directory::new("no-az");
    let without = program.with("PATH", directory.0.to_str().unwrap());
    let run = without.run("--entra wps send --hub chat hello").await;
    let message = run.failed(4);
    assert!(message.contains("az not found on PATH") && message.lines().count() == 1, "{message}");
    let mut no_endpoint = program.clone();
    no_endpoint.environment.remove("WEBPUBSUB_ENDPOINT");
    let run = no_endpoint.run("--entra wps send --hub chat hello").await;
    assert!(run.failed(2).contains("WEBPUBSUB_ENDPOINT"), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_rejected_where_only_keys_exist() {
    let (_emulator, program) = start().await;
    for line in ["hulft status", "emulator health", "wps webhook --hub chat --listen 127.0.0.1:0"] {
        let run = program.run(&format!("--entra {line}")).await;
        assert!(run.failed(2).contains("--entra does not apply: "), "{line}: {run:?}");
    }
}
