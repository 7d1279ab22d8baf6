// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <csignal>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "app/command.h"
#include "app/config/config.h"
#include "app/config/registry_config.h"
#include "app/config/serve_config.h"
#include "app/control/control.h"
#include "app/control/reconcile.h"
#include "app/control/service_manager.h"
#include "app/terminal/terminal.h"
#include "app/version.h"
#include "base/limits.h"
#include "base/log.h"
#include "decode/decoder.h"
#include "engine/background_merge.h"
#include "engine/live.h"
#include "engine/plan.h"
#include "registry/book.h"
#include "registry/remote_schemas.h"
#include "serve/server.h"
#include "serve/standby.h"

namespace adweave::app {

namespace {

struct ServeOptions {
  WriteOptions write;
  std::string listen;
  std::string metrics;
  std::string log_format;
  bool standby = false;
};

// The addresses of the command line in place of the configuration's.
Status choose_addresses(const ServeOptions& options, serve::Options& serve) {
  for (const auto& [text, address] :
       {std::pair{&options.listen, &serve.address}, {&options.metrics, &serve.metrics}}) {
    if (text->empty()) continue;
    const auto parsed = parse_address(*text);
    if (!parsed)
      return Error{ErrorCode::usage, "no address: " + *text, "write it like 127.0.0.1:8080"};
    if (serve.tokens.empty() && !is_loopback(parsed->host)) {
      return Error{ErrorCode::config,
                   "others can reach " + *text + ", and the configuration has no tokens",
                   "write serve: {tokens: ...}, or listen on 127.0.0.1"};
    }
    *address = *parsed;
  }
  return {};
}

// As the command line says, or the configuration, or what suits the reader of standard error.
LogFormat choose_log_format(const ServeOptions& options, const LogOptions& log) {
  if (const auto format = parse_log_format(options.log_format)) return *format;
  return log.format.value_or(isatty(STDERR_FILENO) != 0 ? LogFormat::text : LogFormat::json);
}

void say_commit(Log& log, const ledger::CommitOutcome& commit) {
  ledger::Counts all;
  for (const ledger::Counts& counts : commit.counts) all.add(counts);
  log.say(LogLevel::debug, "ledger", fmt::format("commit {}", commit.commit),
          {{"commit", commit.commit},
           {"accepted", all.accepted},
           {"duplicate", all.duplicate},
           {"conflict", all.conflict},
           {"rejected", all.rejected},
           {"duration_us", commit.duration_us}});
}

std::vector<std::string> names_of(const engine::Job& job) {
  std::vector<std::string> names;
  for (const engine::SourceJob& source : job.sources) names.push_back(source.decoder.source);
  return names;
}

engine::MergeHooks merge_hooks(Log& log) {
  engine::MergeHooks hooks;
  hooks.now_us = now_us;
  hooks.sealed = [&log](const engine::MergedDay& day) {
    log.say(LogLevel::info, "seal", "sealed " + day.date,
            {{"day", day.date}, {"commit", day.commit}, {"rows", day.rows}, {"files", day.files}});
  };
  hooks.trouble = [&log](const Error& error) { log.say("seal", error); };
  return hooks;
}

// Each with a decoder of its own, for what its format knows of files.
Result<std::vector<source::TailSource>> tails_of(const engine::Job& job) {
  std::vector<source::TailSource> tails;
  for (const engine::SourceJob& source : job.sources) {
    if (source.tail.empty()) continue;
    ADWEAVE_ASSIGN(const std::shared_ptr<const decode::Decoder> decoder,
                   decode::make_decoder(source.decoder));
    tails.push_back({source.decoder.source, job.folder, source.tail, engine::format_of(decoder)});
  }
  return tails;
}

void watch_registries(const engine::Job& job, serve::Server& server) {
  for (const engine::SourceJob& source : job.sources) {
    if (!source.schemas) continue;
    server.watch_registry(source.schemas->url(),
                          [schemas = source.schemas] { return schemas->is_out_of_reach(); });
  }
}

Status serve_until_stopped(FileSystem& fs, engine::Job job, serve::Options options, Log& log) {
  const std::string data = job.data;
  const std::vector<std::string> sources = names_of(job);
  const auto book = std::make_shared<registry::RegistryBook>();
  give_schemas(job, book);
  std::unique_ptr<registry::Registry> registry;
  std::unique_ptr<engine::Live> live;
  std::unique_ptr<engine::BackgroundMerge> merge;
  ReconcileThread reconcile(fs, data, log);
  std::unique_ptr<serve::Server> server;  // ends before all of them
  const std::optional<int64_t> seal_after = options.seal_after_us;
  const std::optional<int64_t> reconcile_every = options.reconcile_every_us;
  engine::LiveHooks hooks;
  hooks.now_us = now_us;
  hooks.steady_us = steady_us;
  hooks.stop = [&log, told = false]() mutable {
    if (stop_asked() && !std::exchange(told, true)) {
      tell_service_manager("STOPPING=1");
      log.say(LogLevel::info, "serve", "stopping: what has been read is committed");
    }
    return stop_asked();
  };
  hooks.committed = [&](const ledger::CommitOutcome& commit) {
    server->committed(commit);
    say_commit(log, commit);
  };
  hooks.trouble = [&log](const Error& error) { log.say("source", error); };
  hooks.ready = [&] {
    server->ready();
    if (seal_after) merge->begin(*seal_after);
    if (reconcile_every) reconcile.begin(*reconcile_every);
    tell_service_manager("READY=1");
    log.say(LogLevel::info, "serve", "ready");
  };
  const engine::Job watched = job;
  ADWEAVE_ASSIGN(options.tails, tails_of(job));
  ADWEAVE_ASSIGN(live, engine::Live::open(fs, std::move(job), std::move(hooks)));
  merge = std::make_unique<engine::BackgroundMerge>(fs, *live, merge_hooks(log));
  ADWEAVE_ASSIGN(registry, registry::Registry::open(fs, join_path(data, "registry"),
                                                    [&] { return live->check_lock(); }));
  book->use(*registry);
  ADWEAVE_ASSIGN(
      server, serve::Server::start(std::move(options),
                                   {fs, data, live->journal(), live->committed_through(), *registry,
                                    live->paused(), live->index(), now_us, steady_us,
                                    [&log](const Error& error) { log.say("source", error); }},
                                   [&](serve::Gauges& gauges) {
                                     gauges.kafka = {live->kafka(), live->produced()};
                                     for (const std::string& source : sources)
                                       gauges.paused[source] = live->paused().is_paused(source);
                                     gauges.seal = merge->progress();
                                     gauges.reconcile = reconcile.progress();
                                   }));
  watch_registries(watched, *server);
  ADWEAVE_ASSIGN(const std::unique_ptr<net::LocalServer> control,
                 start_control(data, {fs, *live, *merge, *server, live->paused(), sources}));
  log.say(
      LogLevel::info, "serve",
      fmt::format("events on port {}, metrics on port {}", server->port(), server->metrics_port()),
      {{"port", server->port()}, {"metrics_port", server->metrics_port()}});
  for (const int port : server->line_ports())
    log.say(LogLevel::info, "serve", fmt::format("lines on port {}", port), {{"port", port}});
  const Status ran = live->run();
  merge->stop();
  reconcile.stop();
  server->stop();
  return ran;
}

// Waits until no other process serves the data folder. False: it is to end.
bool wait_for_folder(FileSystem& fs, const engine::Job& job, const serve::Options& options,
                     Log& log) {
  std::unique_ptr<net::HttpServer> probes;
  for (bool is_told = false; !stop_asked(); is_told = true) {
    const auto lock = fs.lock(join_path(job.data, "lock"), job.holder, false);
    if (lock || lock.error().code != ErrorCode::locked) return true;
    if (!is_told) {
      auto listening = serve::answer_on_standby(options);
      if (!listening) log.say("serve", listening.error());
      if (listening) probes = *std::move(listening);
      const int64_t port = probes ? probes->port() : 0;
      log.say(LogLevel::info, "serve", "standby: " + lock.error().message,
              {{"metrics_port", port}});
      tell_service_manager("READY=1\nSTATUS=standby: another process serves the data folder");
    }
    std::this_thread::sleep_for(std::chrono::microseconds(limits::kLivePatienceUs));
  }
  return false;
}

// On standby: of several that wait, one gets the folder, and the others wait again.
Status serve_in_turn(FileSystem& fs, const ServeOptions& command, const engine::Job& job,
                     const serve::Options& options, Log& log) {
  while (true) {
    if (command.standby && !wait_for_folder(fs, job, options, log)) return {};
    const Status served = serve_until_stopped(fs, job, options, log);
    const bool is_taken = !served && served.error().code == ErrorCode::locked;
    if (!is_taken || !command.standby) return served;
  }
}

int serve_command(FileSystem& fs, const ServeOptions& options) {
  engine::Job job;
  serve::Options serve;
  if (const int code = open_job(fs, options.write, job, &serve); code != kOk) return code;
  Log log(choose_log_format(options, serve.log), serve.log.level, now_us, write_to_stderr);
  const auto failed = [&log](const Error& error) {
    log.say("serve", error);
    return exit_code(error.code);
  };
  if (const Status chosen = choose_addresses(options, serve); !chosen)
    return failed(chosen.error());
  if (const Status read = read_signing_keys(fs, serve.signing_keys); !read)
    return failed(read.error());
  if (const Status opened = open_registries(fs, job); !opened) return failed(opened.error());
  job.lookup_days = serve.lookup_days;
  job.raw_kept_us = serve.raw_kept_us;
  stop_on_signals();  // what has been read is committed then
  std::signal(SIGPIPE, SIG_IGN);
  const Status served = serve_in_turn(fs, options, job, serve, log);
  return served ? kOk : failed(served.error());
}

}  // namespace

void add_serve_command(Program& program) {
  auto options = std::make_shared<ServeOptions>();
  CLI::App* command =
      add_command(program, "serve", "Collects, processes and commits until it is stopped.",
                  {"adweave serve -c adweave.yaml --data DIR",
                   "adweave serve -c adweave.yaml --data DIR --listen 127.0.0.1:9090",
                   "curl -H 'Content-Type: application/x-ndjson' --data-binary @events.ndjson "
                   "'http://127.0.0.1:8080/v1/events?wait=committed'"});
  options->write.add_to(*command);
  command
      ->add_option("--listen", options->listen, "Where events are taken, in place of serve.listen")
      ->type_name("ADDRESS");
  command->add_option("--metrics", options->metrics, "The same of serve.metrics")
      ->type_name("ADDRESS");
  command
      ->add_option("--log-format", options->log_format,
                   "text, json or logfmt, in place of serve.log.format")
      ->check(CLI::IsMember({"text", "json", "logfmt"}))
      ->type_name("FORMAT");
  command
      ->add_flag("--standby", options->standby,
                 "While another process serves the data folder: wait, and go on when it ends")
      ->excludes("--take-over");
  command->callback([&program, options] {
    program.action = [&program, options] { return serve_command(program.fs, *options); };
  });
}

}  // namespace adweave::app
