//! `kinora login`: a key is tried before it is stored.

use console::Term;
use kinora_client::{Client, VideoFilter};

use crate::args::Globals;
use crate::failure::Failure;
use crate::paths;
use crate::session::{Session, Stored};
use crate::terminal::style;

pub(crate) async fn run(globals: &Globals) -> Result<(), Failure> {
    let server = Session::open(globals)?.server().trim_end_matches('/').to_owned();
    let api_key = match &globals.api_key {
        Some(key) => key.clone(),
        None => ask(&server)?,
    };
    let client = Client::new(&server, api_key.as_str())?;
    let filter = VideoFilter { limit: Some(1), ..VideoFilter::default() };
    client.videos(&filter).await.map_err(|error| Failure::from(error).at(&server))?;
    let path = paths::config()?;
    Stored { server: Some(server.clone()), api_key: Some(api_key) }.save(&path)?;
    let mark = style::marks().done;
    eprintln!("{} logged in to {server}; the key is in {}", style::good(mark), path.display());
    Ok(())
}

fn ask(server: &str) -> Result<String, Failure> {
    let term = Term::stderr();
    let key = if term.is_term() {
        eprint!("API key for {server}: ");
        term.read_secure_line()
    } else {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).map(|_| line)
    };
    let key = key.map_err(|error| Failure::usage(format!("cannot read the key: {error}")))?;
    match key.trim() {
        "" => Err(Failure::usage("no API key was given")
            .help("Name it with --api-key, or pass it on stdin.")),
        key => Ok(key.to_owned()),
    }
}
