# The application that test_sidekiq.py runs: its jobs, and, run as a program, what it enqueues and what Sidekiq says of itself.
require "json"
require "sidekiq"
require "sidekiq/api"

Sidekiq.configure_client { |config| config.redis = { url: ENV.fetch("REDIS_URL") } }
Sidekiq.configure_server do |config|
  config.redis = { url: ENV.fetch("REDIS_URL") }
  # Looks often for what is scheduled. When it is stopped it does not wait long for what runs, but longer than an idle thread of its
  # own waits for a job (2 seconds), which would take the one that is given back.
  config.options[:poll_interval_average] = 0.2
  config.options[:timeout] = 3
  config.death_handlers << ->(job, error) { note(death: job["args"][0], error: error.message) }
end

def note(**what)
  File.open(ENV.fetch("LEDGER"), "a") { |file| file.write(JSON.generate({ at: Time.now.to_f, pid: Process.pid, **what }) + "\n") }
end

def earlier(what)
  File.readlines(ENV.fetch("LEDGER")).count { |line| JSON.parse(line).slice(*what.keys) == what }
end

class Plain
  include Sidekiq::Worker
  def perform(n) = note(plain: n)
end

class Urgent
  include Sidekiq::Worker
  sidekiq_options queue: "urgent"
  def perform(n) = note(urgent: n)
end

class Flaky
  include Sidekiq::Worker
  sidekiq_options retry: 5
  def perform(n)
    note(flaky: n)
    raise IOError, "not yet #{n}" if earlier({ "flaky" => n }) < 3
  end
end

class Hopeless
  include Sidekiq::Worker
  sidekiq_options retry: 0
  sidekiq_retries_exhausted { |job, _| note(exhausted: job["args"][0]) }
  def perform(n) = raise(ZeroDivisionError, "never #{n}")
end

class Held
  include Sidekiq::Worker
  def perform(n)
    note(held: n)
    sleep 60 if earlier({ "held" => n }) == 1
    note(released: n)
  end
end

def state
  stats = Sidekiq::Stats.new
  {
    processed: stats.processed, failed: stats.failed, enqueued: stats.enqueued, scheduled: stats.scheduled_size,
    retry: stats.retry_size, dead: stats.dead_size, queues: stats.queues, processes: Sidekiq::ProcessSet.new.size,
    busy: Sidekiq::ProcessSet.new.sum { |process| process["busy"] }, errors: Sidekiq::DeadSet.new.map { |job| job["error_message"] }.sort
  }
end

def mixed
  Sidekiq::Client.push_bulk("class" => Plain, "args" => (0...40).map { |n| [n] })
  3.times { |n| Urgent.perform_async(n) }
  4.times { |n| Flaky.perform_async(n) }
  3.times { |n| Hopeless.perform_async(n) }
  4.times { |n| Plain.perform_in(1, "later #{n}") }
  doomed = Plain.perform_in(3600, "deleted")
  Sidekiq::ScheduledSet.new.find_job(doomed).delete
end

if $PROGRAM_NAME == __FILE__
  case ARGV[0]
  when "mixed" then mixed
  when "held" then Held.perform_async(ARGV[1])
  when "urgent" then 5.times { |n| Plain.perform_async(n); Urgent.perform_async(n) }
  when "revive" then Sidekiq::DeadSet.new.each(&:retry)
  when "hurry" then Sidekiq::RetrySet.new.each(&:retry) # which would wait for at least 15 seconds
  end
  puts JSON.generate(state)
end
