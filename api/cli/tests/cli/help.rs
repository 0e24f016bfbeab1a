//! What it says about itself.

use crate::run::Home;

async fn help(args: &[&str]) -> String {
    Home::new("http://127.0.0.1:1").run(args).await.ended(0).stdout
}

#[tokio::test]
async fn help_names_commands_exit_codes_and_examples() {
    insta::assert_snapshot!(help(&["--help"]).await);
}

#[tokio::test]
async fn help_of_upload() {
    insta::assert_snapshot!(help(&["upload", "--help"]).await);
}

#[tokio::test]
async fn help_of_package() {
    insta::assert_snapshot!(help(&["package", "--help"]).await);
}

#[tokio::test]
async fn completions_are_generated_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = help(&["completions", shell]).await;
        assert!(script.contains("kinora") && script.contains("captions"), "{shell}");
    }
}
