//! A calendar.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{has, shown};
use crate::read;

/// What stands in it, with the ids that recorded calls use: title, start, end.
const EVENTS: &[(&str, &str, &str, &str)] = &[
    ("1", "Networking event", "2024-05-26 18:00", "2024-05-26 20:00"),
    ("2", "Dinner with Blue Sparrow Tech", "2024-05-24 19:00", "2024-05-24 21:00"),
    ("3", "Yoga Class", "2024-05-18 07:00", "2024-05-18 08:00"),
    ("5", "Dental check-up", "2024-05-17 10:00", "2024-05-17 11:00"),
    ("6", "Lunch with Sarah", "2024-05-15 12:00", "2024-05-15 13:00"),
    ("7", "Team sync", "2024-05-19 10:00", "2024-05-19 11:00"),
    ("24", "Introductory meeting", "2024-05-15 10:00", "2024-05-15 11:00"),
];

/// An answer, and whom to tell of it.
type Told = (Value, Vec<String>);

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Calendar {
    events: Vec<Event>,
    next: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Event {
    id: String,
    title: String,
    description: String,
    location: Option<String>,
    start_time: String,
    end_time: String,
    participants: Vec<String>,
}

#[derive(Deserialize)]
struct Create {
    title: String,
    start_time: String,
    end_time: String,
    description: Option<String>,
    location: Option<String>,
    participants: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Reschedule {
    event_id: String,
    new_start_time: String,
    new_end_time: Option<String>,
}

#[derive(Deserialize)]
struct Add {
    event_id: String,
    participants: Vec<String>,
}

#[derive(Deserialize)]
struct Cancel {
    event_id: String,
}

#[derive(Deserialize)]
struct Search {
    query: String,
    date: Option<String>,
}

#[derive(Deserialize)]
struct Day {
    day: String,
}

impl Calendar {
    pub(super) fn seeded() -> Self {
        let events = EVENTS.iter().map(|(id, title, start, end)| Event {
            id: (*id).to_owned(),
            title: (*title).to_owned(),
            description: String::new(),
            location: None,
            start_time: (*start).to_owned(),
            end_time: (*end).to_owned(),
            participants: vec!["john.mitchell@gmail.com".to_owned()],
        });
        Self { events: events.collect(), next: 27 }
    }

    pub(super) fn call(&mut self, tool: &str, args: &Value) -> Option<Result<Told, String>> {
        let quietly = |answer: Result<Value, String>| answer.map(|value| (value, Vec::new()));
        Some(match tool {
            "get_current_day" => Ok((json!("2024-05-15"), Vec::new())),
            "search_calendar_events" => quietly(read(args).and_then(|search| self.search(&search))),
            "get_day_calendar_events" => quietly(read(args).and_then(|day: Day| self.on(&day.day))),
            "create_calendar_event" => read(args).and_then(|create| self.create(create)),
            "cancel_calendar_event" => read(args).and_then(|cancel: Cancel| self.cancel(&cancel.event_id)),
            "reschedule_calendar_event" => read(args).and_then(|moved| self.reschedule(moved)),
            "add_calendar_event_participants" => read(args).and_then(|add| self.add(add)),
            _ => return None,
        })
    }

    fn search(&self, search: &Search) -> Result<Value, String> {
        let then = |event: &Event| search.date.as_ref().is_none_or(|date| event.start_time.starts_with(date));
        let about = |event: &Event| has(&format!("{} {}", event.title, event.description), &search.query);
        shown(self.events.iter().filter(|event| then(event) && about(event)).collect::<Vec<_>>())
    }

    fn on(&self, day: &str) -> Result<Value, String> {
        shown(self.events.iter().filter(|event| event.start_time.starts_with(day)).collect::<Vec<_>>())
    }

    fn create(&mut self, create: Create) -> Result<Told, String> {
        let event = Event {
            id: self.next.to_string(),
            title: create.title,
            description: create.description.unwrap_or_default(),
            location: create.location,
            start_time: create.start_time,
            end_time: create.end_time,
            participants: create.participants.unwrap_or_default(),
        };
        self.next += 1;
        self.events.push(event.clone());
        told(&event)
    }

    fn cancel(&mut self, id: &str) -> Result<Told, String> {
        let place = self.events.iter().position(|event| event.id == id).ok_or("no such event")?;
        told(&self.events.remove(place))
    }

    fn reschedule(&mut self, moved: Reschedule) -> Result<Told, String> {
        let event = self.find(&moved.event_id)?;
        event.end_time = moved.new_end_time.unwrap_or_else(|| moved.new_start_time.clone());
        event.start_time = moved.new_start_time;
        told(event)
    }

    fn add(&mut self, add: Add) -> Result<Told, String> {
        let event = self.find(&add.event_id)?;
        event.participants.extend(add.participants);
        told(event)
    }

    fn find(&mut self, id: &str) -> Result<&mut Event, String> {
        Ok(self.events.iter_mut().find(|event| event.id == id).ok_or("no such event")?)
    }
}

fn told(event: &Event) -> Result<Told, String> {
    Ok((shown(event)?, event.participants.clone()))
}
