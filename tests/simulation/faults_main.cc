// SPDX-License-Identifier: Apache-2.0
// ./dev faults: runs the fault tests and prints what they found.
#include <filesystem>
#include <iostream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/json.h"
#include "tests/simulation/faults.h"

namespace adweave::tests {
namespace {

constexpr int64_t kSampledEvery = 20;

struct Options {
  std::string fault = "all";
  std::string tier = "full";
  int64_t rounds = 40;
  uint64_t seed = 1;
  bool json = false;
};

void print(const Tally& tally, bool ok, const Options& options) {
  if (options.json) {
    std::cout << JsonValue(JsonValue::Object{{"fault", tally.fault},
                                             {"rounds", tally.rounds},
                                             {"events", tally.events},
                                             {"lost", tally.lost},
                                             {"twice", tally.twice},
                                             {"altered", tally.altered},
                                             {"ok", ok}})
                     .dump()
              << std::endl;
    return;
  }
  fmt::print("{:<6} {:<44} {:>6} rounds {:>9} rows: {} lost, {} twice, {} altered\n",
             ok ? "ok" : "FAILED", tally.fault, tally.rounds, tally.events, tally.lost, tally.twice,
             tally.altered);
  std::fflush(stdout);
}

// A planted bug must be found: then the tally must not be clean.
bool find_bug(const std::string& name, Tally tally, const Options& options) {
  tally.fault = "planted bug is found: " + name;
  const bool found = !tally.ok();
  print(tally, found, options);
  return found;
}

bool run_all(const Trial& trial, const std::string& folder, const Options& options) {
  const auto wanted = [&](const char* fault) {
    return options.fault == "all" || options.fault == fault;
  };
  bool ok = true;
  const auto report = [&](const Tally& tally) {
    print(tally, tally.ok(), options);
    ok = ok && tally.ok();
  };
  const Rounds rounds{options.tier == "ci" ? kSampledEvery : 1,
                      static_cast<int64_t>(options.seed % kSampledEvery), false};
  if (wanted("steps")) report(kill_at_every_step(trial, folder, rounds));
  if (wanted("crash")) report(kill_at_random(trial, folder, options.rounds, options.seed));
  if (wanted("full-disk")) report(fail_at_every_step(trial, rounds));
  if (wanted("power-cut")) report(cut_power_at_every_step(trial, rounds));
  if (wanted("late-writer")) report(wake_late_at_every_step(trial, folder, rounds));
  if (wanted("planted")) {
    constexpr Rounds kUntilFound{1, 0, true};
    const auto find = [&](const std::string& name, const Tally& tally) {
      ok = find_bug(name, tally, options) && ok;
    };
    const auto cut = [&](const PlantedBugs& bugs) {
      return cut_power_at_every_step(trial, kUntilFound, bugs);
    };
    find("no fence", wake_late_at_every_step(trial, folder, kUntilFound, {.no_fence = true}));
    find("no fsync of file", cut({.no_file_sync = true}));
    find("no fsync of folder", cut({.no_folder_sync = true}));
    find("link before sync", cut({.link_before_sync = true}));
  }
  return ok;
}

int run_main(int argc, char** argv) {
  Options options;
  CLI::App app{
      "Disturbs the main job and the upkeep of the lake in every way and compares with an "
      "undisturbed run.",
      "adweave_faults"};
  app.add_option("fault", options.fault,
                 "all, steps, crash, full-disk, power-cut, late-writer or planted")
      ->check(CLI::IsMember(
          {"all", "steps", "crash", "full-disk", "power-cut", "late-writer", "planted"}));
  app.add_option("--rounds", options.rounds, "Rounds of crash")->check(CLI::PositiveNumber);
  app.add_option("--tier", options.tier,
                 "full: a fault at every step; ci: at every 20th, which ones as the seed says")
      ->check(CLI::IsMember({"full", "ci"}));
  app.add_option("--seed", options.seed, "Of the random moments and the sample");
  app.add_flag("--json", options.json, "One object a line");
  CLI11_PARSE(app, argc, argv);

  std::string folder = (std::filesystem::temp_directory_path() / "adweave-faults-XXXXXX").string();
  CHECK(mkdtemp(folder.data()) != nullptr);
  const Result<Trial> trial = Trial::prepare(folder);
  if (!trial) std::cerr << "adweave_faults: " << trial.error().message << '\n';
  const bool ok = trial && run_all(*trial, folder, options);
  std::filesystem::remove_all(folder);
  return ok ? 0 : 1;
}

}  // namespace
}  // namespace adweave::tests

int main(int argc, char** argv) {
  return adweave::tests::run_main(argc, argv);
}
