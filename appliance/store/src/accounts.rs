//! People of the console: accounts, sessions, and the settings made there.

use std::fmt;
use std::str::FromStr;

use rusqlite::{OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::instant::{from_micros, to_micros};
use crate::{Reader, StoreError, Writer};

/// What an account may do; each may all that the one before may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Look.
    Viewer,
    /// Close incidents, run queries.
    Analyst,
    /// Change settings and accounts.
    Admin,
    /// The managed service provider: an admin who also sees the fleet.
    Provider,
}

impl Role {
    /// Every role, the least first.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Analyst, Self::Admin, Self::Provider];

    /// The name in the API and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Analyst => "analyst",
            Self::Admin => "admin",
            Self::Provider => "provider",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Role {
    type Err = ParseRoleError;

    fn from_str(text: &str) -> Result<Self, ParseRoleError> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| ParseRoleError(text.to_owned()))
    }
}

/// A text that names no role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a role (viewer, analyst, admin, provider)")]
pub struct ParseRoleError(String);

/// Somebody who may log in.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Login name.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Hash of the password with its salt and parameters (PHC string).
    pub password_hash: String,
    /// When the account was made.
    pub created: OffsetDateTime,
}

impl fmt::Debug for Account {
    /// Without the hash: it must not reach a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("name", &self.name)
            .field("role", &self.role)
            .field("created", &self.created)
            .finish_non_exhaustive()
    }
}

/// A login that still holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Whose.
    pub account: String,
    /// What they may do now.
    pub role: Role,
    /// Until when.
    pub expires: OffsetDateTime,
}

impl Writer {
    /// Makes the very first account; `false`, and nothing done, where there is one already.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn claim(&self, account: Account) -> Result<bool, StoreError> {
        self.change(move |transaction| {
            let taken: bool =
                transaction
                    .query_row("SELECT EXISTS (SELECT 1 FROM accounts)", [], |row| row.get(0))?;
            if !taken {
                put_account(transaction, &account)?;
            }
            Ok(!taken)
        })
    }

    /// Makes an account, or changes the role and password of the one of this name.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn put_account(&self, account: Account) -> Result<(), StoreError> {
        self.change(move |transaction| put_account(transaction, &account))
    }

    /// Deletes an account and its sessions.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn delete_account(&self, name: &str) -> Result<(), StoreError> {
        self.execute("DELETE FROM accounts WHERE name = ?", name)
    }

    /// Starts a session. Only the hash of its token is kept.
    ///
    /// # Errors
    /// When there is no such account or the store cannot be written.
    pub fn put_session(
        &self,
        token_hash: &str,
        account: &str,
        expires: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let (token_hash, account) = (token_hash.to_owned(), account.to_owned());
        self.change(move |transaction| {
            let sql = "INSERT OR REPLACE INTO sessions (token_hash, account, expires) \
                 VALUES (?, ?, ?)";
            let values = params![token_hash, account, to_micros(expires)];
            transaction.prepare_cached(sql)?.execute(values)?;
            Ok(())
        })
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn delete_session(&self, token_hash: &str) -> Result<(), StoreError> {
        self.execute("DELETE FROM sessions WHERE token_hash = ?", token_hash)
    }

    /// Ends all sessions of an account, as after a change of its password.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn delete_sessions_of(&self, account: &str) -> Result<(), StoreError> {
        self.execute("DELETE FROM sessions WHERE account = ?", account)
    }

    /// Forgets the sessions that have expired.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn expire_sessions(&self, now: OffsetDateTime) -> Result<(), StoreError> {
        self.change(move |transaction| {
            transaction.execute("DELETE FROM sessions WHERE expires <= ?", [to_micros(now)])?;
            Ok(())
        })
    }

    /// Keeps a setting, or changes it.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn set_setting(&self, key: &str, value: &str) -> Result<(), StoreError> {
        let (key, value) = (key.to_owned(), value.to_owned());
        self.change(move |transaction| {
            let sql = "INSERT OR REPLACE INTO settings (key, value) VALUES (?, ?)";
            transaction.prepare_cached(sql)?.execute([&key, &value])?;
            Ok(())
        })
    }

    /// Forgets a setting.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn delete_setting(&self, key: &str) -> Result<(), StoreError> {
        self.execute("DELETE FROM settings WHERE key = ?", key)
    }

    /// Runs a statement of this module with one value.
    fn execute(&self, sql: &'static str, value: &str) -> Result<(), StoreError> {
        let value = value.to_owned();
        self.change(move |transaction| {
            transaction.prepare_cached(sql)?.execute([&value])?;
            Ok(())
        })
    }
}

fn put_account(
    transaction: &rusqlite::Transaction<'_>,
    account: &Account,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO accounts (name, role, password_hash, created) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (name) DO UPDATE SET role = ?2, password_hash = ?3";
    transaction.prepare_cached(sql)?.execute(params![
        account.name,
        account.role.as_str(),
        account.password_hash,
        to_micros(account.created)
    ])?;
    Ok(())
}

impl Reader {
    /// The account of this name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn account(&self, name: &str) -> Result<Option<Account>, StoreError> {
        self.with(|connection| {
            let sql = "SELECT name, role, password_hash, created FROM accounts WHERE name = ?";
            let mut statement = connection.prepare_cached(sql)?;
            Ok(statement.query_row([name], read_account).optional()?)
        })
    }

    /// All accounts by name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        self.with(|connection| {
            let sql = "SELECT name, role, password_hash, created FROM accounts ORDER BY name";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([], read_account)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The session with this token, unless it has expired.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn session(
        &self,
        token_hash: &str,
        now: OffsetDateTime,
    ) -> Result<Option<Session>, StoreError> {
        self.with(|connection| {
            let sql = "SELECT a.name, a.role, s.expires FROM sessions s \
                 JOIN accounts a ON a.name = s.account WHERE s.token_hash = ? AND s.expires > ?";
            let mut statement = connection.prepare_cached(sql)?;
            let session = statement.query_row(params![token_hash, to_micros(now)], |row| {
                Ok(Session {
                    account: row.get(0)?,
                    role: read_role(row, 1)?,
                    expires: from_micros(row.get(2)?),
                })
            });
            Ok(session.optional()?)
        })
    }

    /// A setting.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn setting(&self, key: &str) -> Result<Option<String>, StoreError> {
        self.with(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT value FROM settings WHERE key = ?")?;
            Ok(statement.query_row([key], |row| row.get(0)).optional()?)
        })
    }
}

fn read_account(row: &Row<'_>) -> rusqlite::Result<Account> {
    Ok(Account {
        name: row.get(0)?,
        role: read_role(row, 1)?,
        password_hash: row.get(2)?,
        created: from_micros(row.get(3)?),
    })
}

/// The role of this name; one this program does not know may the least.
fn read_role(row: &Row<'_>, column: usize) -> rusqlite::Result<Role> {
    Ok(row.get::<_, String>(column)?.parse().unwrap_or(Role::Viewer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, open};

    fn account(name: &str, role: Role) -> Account {
        Account {
            name: name.to_owned(),
            role,
            password_hash: "$argon2id$secret".to_owned(),
            created: at(0),
        }
    }

    #[test]
    fn a_box_is_claimed_once() {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = open(folder.path());
        assert!(store.writer().claim(account("ada", Role::Admin)).unwrap());
        assert!(!store.writer().claim(account("eve", Role::Admin)).unwrap());
        assert_eq!(store.reader().accounts().unwrap(), [account("ada", Role::Admin)]);
        assert!(!format!("{:?}", account("ada", Role::Admin)).contains("secret"));
    }

    #[test]
    fn sessions_end_with_their_time_and_their_account() {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = open(folder.path());
        let (writer, reader) = (store.writer(), store.reader());
        assert!(writer.put_session("t0", "nobody", at(10)).is_err());
        writer.put_account(account("ada", Role::Viewer)).unwrap();
        writer.put_session("t1", "ada", at(10)).unwrap();
        writer.put_session("t2", "ada", at(20)).unwrap();
        // A change of role counts at once, also for sessions that run.
        writer.put_account(account("ada", Role::Analyst)).unwrap();
        let expected = Session { account: "ada".to_owned(), role: Role::Analyst, expires: at(10) };
        assert_eq!(reader.session("t1", at(9)).unwrap(), Some(expected));
        assert_eq!(reader.session("t1", at(10)).unwrap(), None);
        writer.expire_sessions(at(15)).unwrap();
        assert_eq!(reader.session("t1", at(0)).unwrap(), None);
        assert!(reader.session("t2", at(15)).unwrap().is_some());
        writer.delete_account("ada").unwrap();
        assert_eq!(reader.session("t2", at(15)).unwrap(), None);
        assert_eq!(reader.account("ada").unwrap(), None);
    }

    #[test]
    fn settings_are_kept_changed_and_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = open(folder.path());
        for value in [Some("a"), Some("b"), None] {
            match value {
                Some(value) => store.writer().set_setting("key", value).unwrap(),
                None => store.writer().delete_setting("key").unwrap(),
            }
            assert_eq!(store.reader().setting("key").unwrap().as_deref(), value);
        }
    }
}
