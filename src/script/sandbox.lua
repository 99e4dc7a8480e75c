-- Makes the globals that scripts see. What Lua 5.1 cannot do by itself, tables that nobody can change, is done by empty tables that stand for
-- the real ones: reading goes through to them, writing is an error. The functions that could tell the difference are replaced.
local real, host, add, loading = ...

local raw = {}
for name, value in pairs(real) do raw[name] = value end
local next, type, error, select = next, type, error, select
local frozen = {}

local function freeze(table, metatable)
  local stand_in = {}
  frozen[stand_in] = table
  local own = { __index = table, __newindex = host.readonly, __metatable = metatable or false }
  return raw.setmetatable(stand_in, own), own
end

-- An argument is not what it must be: said where the function was called that calls this.
local function bad(at, name, expected, value)
  error("bad argument #" .. at .. " to '" .. name .. "' (" .. expected .. " expected, got " .. type(value) .. ")", 3)
end

local function readonly()
  error("Attempt to modify a readonly table", 0)
end

local function pairs(table)
  local hidden = frozen[table]
  if hidden then
    return function(_, key) return next(hidden, key) end, table, nil
  end
  if type(table) ~= "table" then bad(1, "pairs", "table", table) end
  return next, table, nil
end

local function next_of(table, key)
  if type(table) ~= "table" then bad(1, "next", "table", table) end
  return next(frozen[table] or table, key)
end

local rawget, rawset, setmetatable = raw.rawget, raw.rawset, raw.setmetatable

local function rawget_of(table, key)
  if type(table) ~= "table" then bad(1, "rawget", "table", table) end
  return (rawget(frozen[table] or table, key))
end

local function rawset_of(table, key, value)
  if frozen[table] then readonly() end
  if type(table) ~= "table" then bad(1, "rawset", "table", table) end
  return (rawset(table, key, value))
end

local function setmetatable_of(table, metatable)
  if frozen[table] then readonly() end
  if type(table) ~= "table" then bad(1, "setmetatable", "table", table) end
  if metatable ~= nil and type(metatable) ~= "table" then
    error("bad argument #2 to 'setmetatable' (nil or table expected)", 2)
  end
  return (setmetatable(table, metatable))
end

local getmetatable, tonumber = raw.getmetatable, raw.tonumber

local function getmetatable_of(...)
  if select("#", ...) == 0 then error("bad argument #1 to 'getmetatable' (value expected)", 2) end
  return getmetatable((...)) or nil
end

-- Lua's own counts what is to be unpacked in 32 bits, which more overflows.
local STACK_SLOTS = 8000
local unpack = raw.unpack

local function unpack_of(table, first, last)
  if type(table) ~= "table" then bad(1, "unpack", "table", table) end
  local from, to = tonumber(first or 1), tonumber(last or #table)
  if not from then bad(2, "unpack", "number", first) end
  if not to then bad(3, "unpack", "number", last) end
  local arguments = last ~= nil and 3 or first ~= nil and 2 or 1
  if not (to - from + 1 + arguments <= STACK_SLOTS) then error("too many results to unpack", 2) end
  if arguments == 3 then return unpack(table, first, last) end
  if arguments == 2 then return unpack(table, first) end
  return unpack(table)
end

-- Errors of ours are opaque until they are caught. The text of a command's error is all that `pcall` gives of it.
local function caught(err)
  if type(err) == "userdata" then err = host.surfaced(err) end
  if type(err) == "table" then
    local text = rawget(err, "err")
    if text ~= nil then return text end
  end
  return err
end

local function protected(ok, ...)
  if ok then return true, ... end
  return false, caught((...))
end

local raw_pcall, raw_xpcall, raw_resume = raw.pcall, raw.xpcall, raw.coroutine.resume

local function pcall(...)
  if select("#", ...) == 0 then error("bad argument #1 to 'pcall' (value expected)", 2) end
  return protected(raw_pcall(...))
end

local function xpcall(run, handler)
  return raw_xpcall(run, function(err) return handler(host.surfaced(err)) end)
end

local function resumed(ok, ...)
  if ok then return true, ... end
  return false, host.surfaced((...))
end

local function resume(...)
  return resumed(raw_resume(...))
end

-- Compiled code is not taken: it could break out of the interpreter.
local ESCAPE = 27
local byte, concat = raw.string.byte, raw.table.concat

local function loadstring(text, name)
  if type(text) == "number" then text = text .. "" end
  if type(text) ~= "string" then
    if text == nil then error("bad argument #1 to '?' (string expected, got no value)", 0) end
    bad(1, "loadstring", "string", text)
  end
  if byte(text, 1) == ESCAPE then text = "\\" .. text end
  return raw.loadstring(text, name or text)
end

local function load(read, name)
  if type(read) ~= "function" then bad(1, "load", "function", read) end
  local parts = {}
  while true do
    local ok, part = raw_pcall(read)
    if not ok then return nil, caught(part) end
    if part == nil or part == "" then break end
    if type(part) ~= "string" then return nil, "reader function must return a string" end
    parts[#parts + 1] = part
  end
  return loadstring(concat(parts), name or "=(load)")
end

local function copy(table)
  local copied = {}
  for key, value in next, table do copied[key] = value end
  return copied
end

local globals = {}
for _, name in ipairs {
  "assert", "collectgarbage", "error", "gcinfo", "ipairs", "rawequal", "select", "tonumber", "tostring", "type",
  "_VERSION",
} do
  globals[name] = raw[name]
end

globals.pairs, globals.next = pairs, next_of
globals.rawget, globals.rawset, globals.unpack = rawget_of, rawset_of, unpack_of
globals.getmetatable, globals.setmetatable = getmetatable_of, setmetatable_of
globals.pcall, globals.xpcall = pcall, xpcall
globals.load, globals.loadstring = load, loadstring
if not loading then globals.__redis__err__handler = function(err) return err end end

local math, coroutine, string = copy(raw.math), copy(raw.coroutine), copy(raw.string)
math.random, math.randomseed = host.random, host.randomseed
coroutine.resume = resume
globals.math, globals.coroutine, globals.string = (freeze(math)), (freeze(coroutine)), (freeze(string))
globals.table, globals.os = (freeze(copy(raw.table))), (freeze { clock = raw.os.clock })
for name, library in next, add do globals[name] = (freeze(library)) end

local of_strings = raw.getmetatable("")
of_strings.__index = globals.string
of_strings.__metatable = (freeze { __index = globals.string })

raw.setmetatable(globals, { __index = host.missing })
local environment, of_environment = freeze(globals, (freeze { __index = host.missing }))
globals._G = environment

-- While a library of functions is loaded, there is nothing but what registers functions.
if loading then
  raw.setmetatable(loading, { __index = host.missing })
  loading = { redis = (freeze(loading)) }
  raw.setmetatable(loading, { __index = host.missing })
end
return environment, globals, raw_xpcall, loading, of_environment
