//! Built with aws-lc-rs (the client's own) and ring, where rustls cannot choose one automatically: nothing panics,
//! and which of them the program installs as its default, if any, makes no difference.

use tls_features::{check, use_tls};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use webpubsub::BoxError;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    use_tls().await?;
    check(
        CryptoProvider::get_default().is_none(),
        "a library has installed a provider for the whole process",
    )?;
    check(ring::default_provider().install_default().is_ok(), "somebody else has installed a provider")?;
    use_tls().await?;
    println!("two providers: works, with and without a default");
    Ok(())
}
