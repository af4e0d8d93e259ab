-- SPDX-License-Identifier: Apache-2.0
-- As traced_user_avp: messages of the users listed here get a traced user,
-- and so a row of their own in sip_trace, also while tracing is switched off.

local users = {
	["alice"] = true,
	["+4930123456"] = true,
}

function on_message(msg)
	for _, user in ipairs({msg.from_user, msg.to_user, msg.auth_user}) do
		if users[user] then
			traced_user(user)
		end
	end
end
