//! An office: mail, a calendar, a drive.

mod calendar;
mod drive;
mod mail;

use serde::Serialize;
use serde_json::{Value, json};

use self::calendar::Calendar;
use self::drive::Drive;
use self::mail::Mailbox;
use crate::World;

/// An office: mail, a calendar, a drive.
#[derive(Clone, Debug, PartialEq)]
pub struct Workspace {
    mail: Mailbox,
    calendar: Calendar,
    drive: Drive,
}

impl World for Workspace {
    const NAME: &'static str = "workspace";

    fn seeded() -> Self {
        Self { mail: Mailbox::seeded(), calendar: Calendar::seeded(), drive: Drive::seeded() }
    }

    fn call(&mut self, tool: &str, args: &Value) -> Result<Value, String> {
        let none = json!({});
        let args = if args.is_null() { &none } else { args };
        if let Some(answer) = self.mail.call(tool, args) {
            return answer;
        }
        if let Some(answer) = self.drive.call(tool, args) {
            return answer;
        }
        let (answer, invited) = self.calendar.call(tool, args).ok_or("no such tool")??;
        // The calendar tells whoever takes part.
        if !invited.is_empty() {
            self.mail.invite(invited, &answer);
        }
        Ok(answer)
    }
}

fn shown<T: Serialize>(value: T) -> Result<Value, String> {
    serde_json::to_value(value).map_err(|error| error.to_string())
}

fn has(text: &str, words: &str) -> bool {
    text.to_lowercase().contains(&words.to_lowercase())
}
