// SPDX-License-Identifier: Apache-2.0
// doctor, version, completion: is the machine fit, what is this program, help for the shell.
#include <iostream>

#include <fmt/format.h>
#include <sys/statvfs.h>

#include "app/command.h"
#include "app/version.h"
#include "base/limits.h"
#include "base/time_zone.h"

namespace adweave::app {

namespace {

struct Check {
  std::string what;
  Status status;
  std::string detail;
};

// Writes, syncs, links and removes a file: all that a commit needs of the disk.
Status check_disk(FileSystem& fs, const std::string& dir) {
  const std::string path = join_path(dir, "doctor.tmp");
  const std::string linked = join_path(dir, "doctor.link");
  for (const std::string& left : {path, linked}) {
    if (fs.exists(left)) ADWEAVE_TRY(fs.unlink(left));
  }
  ADWEAVE_TRY(write_synced(fs, path, "adweave doctor\n"));
  ADWEAVE_TRY(fs.link(path, linked));
  ADWEAVE_TRY(fs.sync_dir(dir));
  ADWEAVE_TRY(fs.unlink(linked));
  return fs.unlink(path);
}

Status check_space(const std::string& dir, std::string& detail) {
  struct statvfs info{};
  if (statvfs(dir.c_str(), &info) != 0)
    return Error{ErrorCode::io, dir + ": its disk cannot be asked"};
  const double free_gb =
      static_cast<double>(info.f_bavail) * static_cast<double>(info.f_frsize) / 1e9;
  detail = fmt::format("{:.1f} GB free", free_gb);
  if (free_gb < 1)
    return Error{ErrorCode::io, "less than 1 GB is free",
                 "free space on the disk that holds " + dir};
  return {};
}

Status check_zones() {
  const Result<TimeZone> zone = TimeZone::find("Europe/Berlin");
  return zone ? Status() : Status(zone.error());
}

Status check_ledger(const FileSystem& fs, const std::string& dir, std::string& detail) {
  const Result<ledger::Ledger> ledger = ledger::Ledger::open(fs, dir);
  if (!ledger && ledger.error().code == ErrorCode::not_found) {
    detail = "no ledger yet";
    return {};
  }
  if (!ledger) return ledger.error();
  detail = fmt::format("{} commits, epoch {}", ledger->head(), ledger->epoch());
  return {};
}

int doctor_command(FileSystem& fs, const std::string& dir) {
  std::vector<Check> checks;
  std::string space;
  std::string ledger;
  checks.push_back({"folder", make_dirs(fs, dir), dir});
  if (checks.back().status) {
    checks.push_back({"write, fsync, link", check_disk(fs, dir), ""});
    checks.push_back({"disk space", check_space(dir, space), space});
    checks.back().detail = space;
    checks.push_back({"ledger", check_ledger(fs, dir, ledger), ""});
    checks.back().detail = ledger;
    const auto lock = fs.lock(join_path(dir, "lock"), "adweave doctor", false);
    checks.push_back({"lock", lock ? Status() : Status(lock.error()), lock ? "free" : ""});
  }
  checks.push_back({"time zones", check_zones(), ""});
  bool sound = true;
  for (const Check& check : checks) {
    sound = sound && check.status;
    fmt::print("{:<5} {:<20} {}\n", check.status ? "ok" : "FAIL", check.what,
               check.status ? check.detail : check.status.error().message);
    if (!check.status && !check.status.error().fix.empty())
      fmt::print("      fix: {}\n", check.status.error().fix);
  }
  return sound ? kOk : kFailed;
}

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  return names;
}

std::vector<std::string> option_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    if (!option->get_lnames().empty()) names.push_back("--" + option->get_lnames().front());
  }
  return names;
}

std::string words(const std::vector<std::string>& names) {
  return fmt::format("{}", fmt::join(names, " "));
}

std::string bash_completion(const CLI::App& app) {
  std::string out = "_adweave() {\n  local cur=${COMP_WORDS[COMP_CWORD]} words=\"" +
                    words(command_names(app)) + "\"\n  case ${COMP_WORDS[1]} in\n";
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    std::vector<std::string> all = command_names(*command);
    for (const std::string& option : option_names(*command)) all.push_back(option);
    out += "    " + command->get_name() + ") words=\"" + words(all) + "\" ;;\n";
  }
  return out +
         "  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\") $(compgen -f -- "
         "\"$cur\"))\n}\ncomplete -F _adweave adweave\n";
}

std::string fish_completion(const CLI::App& app) {
  std::string out;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    const std::string name = command->get_name();
    out += fmt::format("complete -c adweave -n __fish_use_subcommand -a {} -d '{}'\n", name,
                       command->get_description());
    for (const std::string& option : option_names(*command)) {
      out += fmt::format("complete -c adweave -n '__fish_seen_subcommand_from {}' -l {}\n", name,
                         option.substr(2));
    }
  }
  return out;
}

}  // namespace

void add_doctor_command(Program& program) {
  auto data = std::make_shared<std::string>();
  CLI::App* command =
      add_command(program, "doctor", "Checks that this machine and folder can hold a ledger.",
                  {"adweave doctor --data DIR"});
  command->add_option("--data", *data, "The data folder")->required()->type_name("DIR");
  command->callback([&program, data] {
    program.action = [&program, data] { return doctor_command(program.fs, *data); };
  });
}

void add_version_command(Program& program) {
  CLI::App* command = add_command(program, "version", "Prints the version.", {"adweave version"});
  command->callback([&program] {
    program.action = [] {
      fmt::print("adweave {} (data folder format {})\n", kVersion, limits::kFormatVersion);
      return static_cast<int>(kOk);
    };
  });
}

void add_completion_command(Program& program) {
  auto shell = std::make_shared<std::string>();
  CLI::App* command =
      add_command(program, "completion", "Prints completions for a shell.",
                  {"source <(adweave completion bash)", "source <(adweave completion zsh)",
                   "adweave completion fish | source"});
  command->add_option("shell", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->callback([&program, shell] {
    program.action = [&program, shell] {
      if (*shell == "fish") {
        std::cout << fish_completion(program.app);
      } else {
        if (*shell == "zsh") std::cout << "autoload -U +X bashcompinit && bashcompinit\n";
        std::cout << bash_completion(program.app);
      }
      return static_cast<int>(kOk);
    };
  });
}

}  // namespace adweave::app
