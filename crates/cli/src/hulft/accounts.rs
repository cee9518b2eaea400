//! `hulft accounts`: the users of browser transfers and D-Clients.

use clap::{Args, Subcommand};
use hulft_webconnect::Account;

use super::site;
use crate::confirmation::Confirmation;
use crate::failure::{Failure, Result};
use crate::output::Output;

/// The commands for accounts.
#[derive(Debug, Subcommand)]
pub(crate) enum Accounts {
    /// List the accounts.
    #[command(after_help = "Example:\n  hubgrid hulft accounts list")]
    List,
    /// Show an account. Without it, the exit code is 3.
    #[command(after_help = "Example:\n  hubgrid hulft accounts show A0001")]
    Show(Show),
    /// Register an account, and print it.
    #[command(after_help = "Example:\n  hubgrid hulft accounts register ann@example.com --memo 'since May'")]
    Register(Register),
    /// Delete an account.
    #[command(after_help = "Example:\n  hubgrid hulft accounts delete A0001 --yes")]
    Delete(Delete),
}

/// The options of `show`.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// ID of the account.
    account: String,
}

/// The options of `register`.
#[derive(Debug, Args)]
pub(crate) struct Register {
    /// Email address of the user.
    email: String,
    /// Memo.
    #[arg(long)]
    memo: Option<String>,
    /// Name of an IP filter group.
    #[arg(long, value_name = "GROUP")]
    ip_filter_group: Option<String>,
    /// Number of days for which a password is valid.
    #[arg(long, value_name = "DAYS")]
    password_days: Option<u16>,
}

/// The options of `delete`.
#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// ID of the account.
    account: String,
    #[command(flatten)]
    confirmation: Confirmation,
}

impl Accounts {
    pub(super) async fn run(self, output: &mut Output) -> Result<()> {
        match self {
            Self::List => print(&site()?.accounts().list().all().await?, output),
            Self::Show(Show { account }) => match site()?.accounts().get(&account).await? {
                Some(found) => print(&[found], output),
                None => Err(Failure::NotFound(format!("no account {account} is registered"))),
            },
            Self::Register(register) => register.run(output).await,
            Self::Delete(Delete { account, confirmation }) => {
                let site = site()?;
                confirmation.obtain(&format!("delete the account {account}"))?;
                Ok(site.accounts().delete(&account).await?)
            }
        }
    }
}

impl Register {
    async fn run(self, output: &mut Output) -> Result<()> {
        let mut register = site()?.accounts().register(self.email);
        if let Some(memo) = self.memo {
            register = register.memo(memo);
        }
        if let Some(group) = self.ip_filter_group {
            register = register.ip_filter_group(group);
        }
        if let Some(days) = self.password_days {
            register = register.password_validity_days(days);
        }
        let registered = register.await?;
        // The service may omit the values that it stored.
        registered.map_or(Ok(()), |account| print(&[account], output))
    }
}

fn print(accounts: &[Account], output: &mut Output) -> Result<()> {
    let mut table = output.table(["ACCOUNT", "EMAIL", "VERIFIED", "STATUS", "MEMO"]);
    for account in accounts {
        let verified = if account.is_verified_mail_address { "yes" } else { "no" };
        let cells = [&account.id, &account.mail_address, verified, account.status.as_str(), &account.memo];
        table.row(account, cells.map(str::to_owned))?;
    }
    table.end()
}
