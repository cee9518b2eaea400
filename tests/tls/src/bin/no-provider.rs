//! Built with `rustls-no-provider`: `build()` is an error, not a panic, until the program has installed a provider.

use tls_features::{check, client, use_tls};
use tokio_rustls::rustls::crypto::ring;
use webpubsub::BoxError;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    for endpoint in ["https://chat.example", "http://127.0.0.1:1"] {
        let Err(error) = client(endpoint, None) else {
            return Err("a client was made without a provider".into());
        };
        let text = error.to_string();
        let is_named =
            error.is_invalid_input() && text.contains("TLS provider") && text.contains("install_default");
        check(is_named, format!("the error does not name what is missing: {text}"))?;
    }
    check(ring::default_provider().install_default().is_ok(), "somebody else has installed a provider")?;
    use_tls().await?;
    println!("no provider: an error; ring installed: works");
    Ok(())
}
