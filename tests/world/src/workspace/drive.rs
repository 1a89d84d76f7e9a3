//! Files.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{has, shown};
use crate::read;

/// What lies in it, with the ids that recorded calls use; the others are padding, so that the next
/// file has the number 26.
const FILES: &[(usize, &str, &str)] = &[
    (3, "team-building-activities.docx", "Escape room; bowling."),
    (8, "recipe-collection.docx", "Chocolate Chip Cookies: butter, sugar, eggs, vanilla, flour."),
    (9, "grocery-list.docx", "grocery list: milk"),
    (11, "large-video.mp4", "a very long film of the company's summer party"),
    (13, "customer-feedback.docx", "They like it."),
    (15, "vacation-plans.docx", "vacation plans: on June 13 we hike in Hawaii."),
    (17, "feedback.xlsx", "Olivia Smith 4, Mia Anderson 2, Mason Thompson 3"),
    (19, "client-meeting-minutes.docx", "The next meeting is on 2024-06-01."),
    (21, "team-meeting-minutes.docx", "team meeting minutes. TODO: David, Linda, Mark."),
];

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Drive {
    files: Vec<File>,
    next: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct File {
    id: String,
    filename: String,
    content: String,
    size: usize,
    shared_with: Vec<(String, Permission)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Permission {
    R,
    Rw,
}

#[derive(Deserialize)]
struct Create {
    filename: String,
    content: String,
}

#[derive(Deserialize)]
struct Append {
    file_id: String,
    content: String,
}

#[derive(Deserialize)]
struct Named {
    file_id: String,
}

#[derive(Deserialize)]
struct Share {
    file_id: String,
    email: String,
    permission: Permission,
}

#[derive(Deserialize)]
struct ByName {
    filename: String,
}

#[derive(Deserialize)]
struct Search {
    query: String,
}

impl Drive {
    pub(super) fn seeded() -> Self {
        let mut drive = Self { files: Vec::new(), next: 0 };
        while drive.next < 26 {
            let known = FILES.iter().find(|(id, ..)| *id == drive.next);
            let (filename, content) =
                known.map_or(("notes.txt", "notes"), |(_, filename, content)| (filename, content));
            drive.add(filename.to_owned(), content.to_owned());
        }
        drive
    }

    pub(super) fn call(&mut self, tool: &str, args: &Value) -> Option<Result<Value, String>> {
        Some(match tool {
            "list_files" => shown(&self.files),
            "create_file" => read(args).and_then(|file: Create| shown(self.add(file.filename, file.content))),
            "append_to_file" => read(args).and_then(|append| self.append(append)),
            "delete_file" => read(args).and_then(|named: Named| self.delete(&named.file_id)),
            "get_file_by_id" => read(args).and_then(|named: Named| self.find(&named.file_id).and_then(shown)),
            "share_file" => read(args).and_then(|share| self.share(share)),
            "search_files_by_filename" => {
                read(args).and_then(|named: ByName| self.of(|file| has(&file.filename, &named.filename)))
            }
            "search_files" => {
                read(args).and_then(|search: Search| self.of(|file| has(&file.content, &search.query)))
            }
            _ => return None,
        })
    }

    fn add(&mut self, filename: String, content: String) -> File {
        let (id, size) = (self.next.to_string(), content.len());
        let file = File { id, filename, content, size, shared_with: Vec::new() };
        self.next += 1;
        self.files.push(file.clone());
        file
    }

    fn append(&mut self, append: Append) -> Result<Value, String> {
        let file = self.find(&append.file_id)?;
        file.content.push_str(&append.content);
        file.size = file.content.len();
        shown(file)
    }

    fn delete(&mut self, id: &str) -> Result<Value, String> {
        self.find(id)?;
        self.files.retain(|file| file.id != id);
        Ok(json!("deleted"))
    }

    fn share(&mut self, share: Share) -> Result<Value, String> {
        let file = self.find(&share.file_id)?;
        file.shared_with.push((share.email, share.permission));
        shown(file)
    }

    fn of(&self, wanted: impl Fn(&File) -> bool) -> Result<Value, String> {
        shown(self.files.iter().filter(|file| wanted(file)).collect::<Vec<_>>())
    }

    fn find(&mut self, id: &str) -> Result<&mut File, String> {
        Ok(self.files.iter_mut().find(|file| file.id == id).ok_or("no such file")?)
    }
}
